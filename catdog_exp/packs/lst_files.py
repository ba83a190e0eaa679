"""`.lst` files: which picture is on which side, in which order.

A `.lst` file is MXNet's: a line for each picture, `index<tab>label<tab>path`, as `mxnet/tools/im2rec.py`
writes and reads it. What a line cannot hold of a file's name is written as `\\x` and two hexadecimal digits:
`escaped` says what, `unescaped` takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped, unescaped


@dataclass(frozen=True)
class Entry:
    """One line of a list. `path` is relative to the pictures' root, with `/` between folders."""

    index: int
    label: int
    path: str


def write_list(file: Path, entries: Iterable[Entry]) -> None:
    """Write `entries` as a `.lst` file, to the byte what im2rec.py writes for paths that need no escape."""
    text = "".join(f"{entry.index:d}\t{entry.label:f}\t{escaped(entry.path)}\n" for entry in entries)
    file.write_bytes(text.encode())


def read_list(file: Path) -> list[Entry]:
    """The lines of a `.lst` file, made by `write_list` or by im2rec.py.

    Raises UserError for a line that is not an index, one label that is a whole number, and a path.
    """
    entries = []
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            entries.append(_entry(line.rstrip("\r"), f"{file}, line {number}"))
    return entries


def _entry(line: str, where: str) -> Entry:
    try:
        index, label, path = line.split("\t")
        entry = Entry(int(index), int(float(label)), unescaped(path))
        if entry.label != float(label) or entry.label < 0:
            raise ValueError
    except (ValueError, OverflowError):
        raise UserError(
            f"{where}: {line[:80]!r} is not an index, a class number and a path with tabs between them; "
            "lists with other labels are not read here"
        ) from None
    return entry
