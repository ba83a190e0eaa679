"""What a run has to log, on the disk until the store has it: a line for each call of `RunLog`, in order."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.tracking.uris import SQLITE, sqlite_path, without_password

if TYPE_CHECKING:
    from filelock import FileLock

FOLDER, ENDING = "unsent", ".jsonl"  # below the outputs; of the journals there
SENT, LOCK = ".sent", ".lock"  # end the names of the files beside a journal: how far it is sent, who sends it
TEMPORARY = ".tmp"  # of the folder beside a journal for what MLflow writes on its way to the run's files
END = "end"  # the last call of an attempt
_PATH = "__path__"  # the only key of what stands for a path: below the outputs, which may be moved, or absolute


@dataclass(frozen=True)
class Header:
    """A journal's first line. store: without a password. presence: tags that tell which process writes it."""

    run_id: str
    name: str
    store: str | Path
    experiment: str
    fingerprint: str
    presence: dict[str, str]


@dataclass(frozen=True)
class Entry:
    """A call to be carried out. time: of the call, ms since the epoch. start, end: bytes of its line."""

    method: str
    arguments: dict[str, Any]
    time: int
    start: int
    end: int


@dataclass
class Cursor:
    """How far a journal is sent. place: byte of the first line that is not. aside: of those that were refused.

    ended: the attempt's last call is sent.
    """

    place: int
    aside: list[int] = field(default_factory=list)
    ended: bool = False


class Journal:
    """A journal's file. Who sends it holds its `lock`; who writes it needs none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._outputs = path.parent.parent

    def begin(self, header: Header) -> None:
        """Write the first line. Raises UserError when the system refuses."""
        with replacing(self.path) as aside:
            aside.write_text(self._line(dataclasses.asdict(header)), encoding="utf-8")

    def append(self, method: str, arguments: Mapping[str, Any]) -> None:
        """Add a call, as one whole line. Raises FileNotFoundError where the journal has been sent and removed."""
        now = time.time_ns() // 1_000_000
        line = self._line({"method": method, "arguments": dict(arguments), "time": now}).encode()
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND)
        try:
            size = os.fstat(handle).st_size
            if os.pread(handle, 1, size - 1) != b"\n":  # a line that a full disk has cut
                line = b"\n" + line
            if os.write(handle, line) != len(line):
                raise UserError(f"{self.path} cannot be written: the disk is full")
        finally:
            os.close(handle)

    def header(self) -> Header:
        """The first line. Raises ValueError where it is none, FileNotFoundError."""
        with self.path.open("rb") as file:
            values = self._read(file.readline())
        try:
            return Header(**values)
        except TypeError:
            raise ValueError(f"{self.path} is no journal of this version") from None

    def entry_at(self, place: int) -> Entry | None:
        """The call whose line starts at this byte, or the next one that can be read; None where no whole line is."""
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(place)
            while (line := file.readline()).endswith(b"\n"):
                with suppress(ValueError, TypeError, KeyError):
                    read = self._read(line)
                    return Entry(read["method"], read["arguments"], read["time"], place, place + len(line))
                place += len(line)
        return None

    def cursor(self) -> Cursor:
        """How far it is sent; what cannot be read is to be sent again, which does no harm."""
        with suppress(OSError, ValueError, TypeError):
            return Cursor(**json.loads(self._beside(SENT).read_text(encoding="utf-8")))
        with self.path.open("rb") as file:
            return Cursor(len(file.readline()))

    def keep(self, cursor: Cursor) -> None:
        """Remember how far it is sent."""
        with suppress(UserError), replacing(self._beside(SENT)) as aside:
            aside.write_text(json.dumps(dataclasses.asdict(cursor)), encoding="utf-8")

    def has_more(self) -> bool:
        """Whether there is a call in it that has neither been carried out nor refused."""
        with suppress(FileNotFoundError):
            return self.entry_at(self.cursor().place) is not None
        return False

    def lock(self) -> FileLock:
        """Of who sends it."""
        from filelock import FileLock

        return FileLock(self._beside(LOCK))

    def temporary_folder(self) -> Path:
        """A folder beside it, for what is removed with it, after a kill too. Raises OSError."""
        folder = self._beside(TEMPORARY)
        folder.mkdir(exist_ok=True)
        return folder

    def remove(self) -> None:
        """Remove it, with what is beside it; its lock must be held."""
        shutil.rmtree(self._beside(TEMPORARY), ignore_errors=True)
        for file in (self.path, self._beside(SENT), self._beside(LOCK)):
            file.unlink(missing_ok=True)

    def store(self, uri: str) -> str | Path:
        """A store as a header names it: its URI without the password, or its file, which may move with the outputs."""
        return sqlite_path(uri) or without_password(uri)

    def _beside(self, ending: str) -> Path:
        return self.path.with_suffix(ending)

    def _line(self, values: Mapping[str, Any]) -> str:
        return json.dumps(values, default=self._plain) + "\n"

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Path):
            path = value.absolute()
            return {_PATH: str(path.relative_to(self._outputs) if path.is_relative_to(self._outputs) else path)}
        return value.item() if hasattr(value, "item") else str(value)

    def _read(self, line: bytes) -> Any:
        def restored(values: dict[str, Any]) -> Any:
            return self._outputs / values[_PATH] if set(values) == {_PATH} else values

        return json.loads(line, object_hook=restored)


def new_journal(outputs: Path, run_id: str) -> Journal:
    """The journal of one more attempt at a run, not begun yet. Raises UserError where its folder cannot be made."""
    folder = outputs.absolute() / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}") from None
    return Journal(folder / f"{run_id}-{time.time_ns()}{ENDING}")


def journals(outputs: Path) -> list[Journal]:
    """The journals in a folder of outputs, the oldest attempt at each run first."""
    return [Journal(path) for path in sorted((outputs.absolute() / FOLDER).glob(f"*{ENDING}"))]


def store_uri(header: Header, configured: str) -> str | None:
    """The URI of a journal's store, with the password where the configured one is the same; None: it is not known."""
    if isinstance(header.store, Path):
        return f"{SQLITE}{header.store}"
    if without_password(configured) == header.store:
        return configured
    return None if "***" in header.store else header.store


def unsent_line(outputs: Path) -> str:
    """One line about runs of which something is unsent, though nobody is at it; "" where there are none."""
    from filelock import Timeout

    runs = set()
    for journal in journals(outputs):
        with suppress(Timeout, OSError), journal.lock().acquire(blocking=False):
            runs.add(journal.path.name.partition("-")[0])
    count = f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}"
    return f"of {count} something is not at MLflow yet: `catdog sync` sends it" if runs else ""
