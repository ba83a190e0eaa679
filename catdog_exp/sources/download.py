"""One file fetched by HTTP, resumed where it broke off."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.console import ProgressBar
from catdog_exp.errors import UserError
from catdog_exp.files import replacing

if TYPE_CHECKING:
    import requests

ATTEMPTS = 4  # in a row that bring not one byte
FIRST_WAIT = 0.5  # seconds before the second attempt; each further wait is twice as long
TIMEOUT = 30  # seconds without an answer or a byte
BLOCK = 1 << 16  # bytes; up to so many are lost where a download breaks off
BUSY = {408, 425, 429, 500, 502, 503, 504}  # status codes that may be others a moment later


class _BrokenOff(Exception):
    """An attempt ended early, and another one may go on."""


def download(url: str, target: Path) -> None:
    """Fetch `url` into the file `target`; nothing of that name is there before it is whole.

    What has come is kept in `target`.part, also when the program is killed, and the next attempt or call goes
    on from there if the server still has the same file (by its ETag or date) and can send a part of it.
    To be called by one process at a time for a target.

    Raises UserError, one line that names data.root=DIR as the way around it: no network, an answer that is
    not the file, a size other than announced, a full disk.
    """
    part = _Part(target)
    failures = 0
    while True:
        before = part.size()
        try:
            _attempt(url, part, target.name)
            break
        except _BrokenOff as error:
            failures = 1 if part.size() > before else failures + 1
            if failures == ATTEMPTS:
                raise UserError(_line(url, f"{error}, tried {ATTEMPTS} times; the next run goes on")) from None
            time.sleep(FIRST_WAIT * 2 ** (failures - 1))
        except OSError as error:
            raise UserError(_line(url, f"{part.path} cannot be written: {error.strerror or error}")) from None
    part.finish(target)


class _Part:
    """The file that is still coming, and beside it what is needed to go on with it."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(target.name + ".part")
        self._about = target.with_name(target.name + ".part.json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self, url: str) -> str | None:
        """What the server called the version of the file that the bytes are of, None if not known."""
        try:
            about = json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return about["validator"] if about["url"] == url else None

    def start(self, url: str, validator: str | None) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        with replacing(self._about) as aside:
            aside.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        self.path.replace(target)
        self._about.unlink(missing_ok=True)


def _attempt(url: str, part: _Part, name: str) -> None:
    import requests

    headers = {"Accept-Encoding": "identity"}
    validator = part.validator(url)
    had = part.size() if validator else 0
    if validator and had:
        headers |= {"Range": f"bytes={had}-", "If-Range": validator}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            _receive(url, answer, part, had, name)
    except requests.exceptions.SSLError:
        raise UserError(_line(url, "the server's certificate is not valid")) from None
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise _BrokenOff(_network_reason(error)) from None
    except requests.RequestException as error:
        raise UserError(_line(url, str(error))) from None


def _receive(url: str, answer: requests.Response, part: _Part, had: int, name: str) -> None:
    """Write the answer's bytes to the part, behind those it has if these are the next ones."""
    if answer.status_code == 206:
        first, total = _content_range(answer)
        if first != had:
            part.drop()
            raise _BrokenOff("the server sent another part of the file than was asked for")
    elif answer.status_code == 200:
        total = _content_length(answer)
        had = 0
        part.start(url, _validator(answer))
    elif answer.status_code == 416:  # nothing follows the bytes that are here
        if answer.headers.get("Content-Range") == f"bytes */{had}":
            return
        part.drop()
        raise _BrokenOff("the server's file is shorter than what came of it before")
    elif answer.status_code in BUSY:
        raise _BrokenOff(f"the server answers {answer.status_code} {answer.reason}")
    else:
        raise UserError(_line(url, f"the server answers {answer.status_code} {answer.reason}"))
    free = shutil.disk_usage(part.path.parent).free
    if total is not None and total - had > free:
        short = f"{(total - had) / 1e6:.0f} MB are to come and {free / 1e6:.0f} MB are free"
        raise UserError(_line(url, f"the disk of {part.path.parent} is full, {short}"))
    _write(answer, part, had, total, name)
    if total is not None and part.size() < total:
        raise _BrokenOff(f"only {part.size():,} of {total:,} bytes came")
    if total is not None and part.size() > total:
        size = part.size()
        part.drop()
        raise UserError(_line(url, f"{size:,} bytes came where {total:,} were announced"))


def _write(answer: requests.Response, part: _Part, had: int, total: int | None, name: str) -> None:
    with ProgressBar(name, total, "bytes", done=had) as bar, part.path.open("r+b") as file:
        file.seek(had)
        for block in answer.iter_content(BLOCK):
            file.write(block)
            bar.advance(len(block))


def _validator(answer: requests.Response) -> str | None:
    etag = answer.headers.get("ETag")
    if etag and not etag.startswith("W/"):  # a weak one does not promise the same bytes (RFC 9110, 13.1.5)
        return etag
    return answer.headers.get("Last-Modified")


def _content_length(answer: requests.Response) -> int | None:
    if "Content-Encoding" in answer.headers:  # then it counts other bytes than those that are written
        return None
    length = answer.headers.get("Content-Length")
    return int(length) if length is not None else None


def _content_range(answer: requests.Response) -> tuple[int | None, int | None]:
    """First byte and size of the whole file."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if found is None:
        return None, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _network_reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached"
    if isinstance(error, requests.Timeout):
        return f"the server did not answer for {TIMEOUT} seconds"
    if "NameResolutionError" in str(error) or "Temporary failure in name resolution" in str(error):
        return "the server's name is not known (no network?)"
    if "Connection refused" in str(error):
        return "the server refuses the connection"
    return "the connection broke off"


def _line(url: str, reason: str) -> str:
    return f"cannot download {url}: {reason}; or give a copy on disk with data.root=DIR"
