"""Digests of the pictures' contents, remembered from one look at the pictures to the next."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from catdog_exp.locks import one_process_at
from catdog_exp.parallel import chunks_in_order

# A file that changed a moment ago may change again within one tick of its file system's clock (2 s on FAT),
# and look the same: its digest is not remembered. git calls such files racy.
RACY = 2_000_000_000  # nanoseconds
BLOCK = 1 << 20  # bytes read at once
UNREADABLE = "error"
TOGETHER = 32  # files that a thread takes at once


class Content(NamedTuple):
    """A picture file as it was when it was read: bytes, times in ns, SHA-256 in hexadecimal digits.

    A file that cannot be read has the number of the error in place of the digest; one that is missing, zeros.
    """

    size: int
    mtime: int
    ctime: int
    inode: int
    sha256: str


def contents(root: Path, paths: Sequence[str], memory: Path, threads: int) -> dict[str, Content]:
    """What is in each of the files `paths` (relative to `root`), by path.

    memory: folder with the digests of earlier looks, a file for each root. A picture whose size, times and
        inode are as they were is not read again. Whatever happens to the memory costs time only: where it
        is damaged, gone or cannot be written, the pictures are read.
    threads: how many pictures are read at once.

    Of several processes that look at the same new pictures one reads them, the others wait.
    """
    top = str(root.absolute())
    file = memory / f"{hashlib.sha256(os.fsencode(top)).hexdigest()[:16]}.json"
    found = _unchanged(top, paths, _recall(file))
    if len(found) < len(paths):
        with suppress(OSError):
            memory.mkdir(parents=True, exist_ok=True)
            with one_process_at(file):
                before = _recall(file)
                found = _unchanged(top, paths, before)
                start = time.time_ns()
                found |= _read_all(top, [path for path in paths if path not in found], threads)
                _remember(file, top, before, found, start)
        # Empty by now, unless the memory cannot be written.
        found |= _read_all(top, [path for path in paths if path not in found], threads)
    return found


def unchanged(file: str, content: Content) -> bool:
    """Whether the file is still as it was when `contents` looked at it."""
    return _stat(file) == content[:4]


def _unchanged(top: str, paths: Iterable[str], before: Mapping[str, Content]) -> dict[str, Content]:
    found = {}
    for path in paths:
        content = before.get(path)
        if content is not None and content[:4] == _stat(f"{top}/{path}"):
            found[path] = content
    return found


def _stat(file: str) -> tuple[int, int, int, int]:
    try:
        now = os.stat(file)  # noqa: PTH116 (a Path for each of 25,000 would take longer than its look-up)
    except OSError:
        return (0, 0, 0, 0)
    return (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino)


def _read_all(top: str, paths: Sequence[str], threads: int) -> dict[str, Content]:
    with closing(chunks_in_order(lambda path: _read(f"{top}/{path}"), paths, threads, TOGETHER)) as chunks:
        read = [content for chunk in chunks for content in chunk]
    return dict(zip(paths, read, strict=True))


def _read(file: str) -> Content:
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):  # noqa: PTH116 (as in `_stat`)
            raise OSError(errno.EINVAL, "a pipe or a device, which must not be opened")
        with Path(file).open("rb", buffering=0) as opened:
            now = os.fstat(opened.fileno())
            digest = hashlib.sha256()
            while block := opened.read(BLOCK):
                digest.update(block)
    except OSError as error:
        return Content(*_stat(file), f"{UNREADABLE} {error.errno}")
    return Content(now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, digest.hexdigest())


def _recall(file: Path) -> dict[str, Content]:
    """What `_remember` wrote; nothing where the file is not whole."""
    try:
        digest, _, text = file.read_bytes().partition(b"\n")
    except OSError:
        return {}
    if hashlib.sha256(text).hexdigest().encode() != digest:
        return {}
    return {path: Content(*values) for path, values in json.loads(text).items()}


def _remember(file: Path, top: str, before: Mapping[str, Content], found: Mapping[str, Content], start: int) -> None:
    """Write down `found`, read since the time `start`, and what `before` holds of other pictures still there."""
    kept = {path: old for path, old in before.items() if path not in found and os.path.lexists(f"{top}/{path}")}
    for path, content in found.items():
        racy = max(content.mtime, content.ctime) > start - RACY
        if not racy and not content.sha256.startswith(UNREADABLE):
            kept[path] = content
    text = json.dumps(kept).encode()
    aside = file.with_suffix(".aside")  # one name is enough: this process holds the lock
    aside.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
    aside.replace(file)
