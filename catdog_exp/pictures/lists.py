"""Which picture is on which side, in which order, and the `.lst` files that say so.

A `.lst` file is MXNet's: a line for each picture, `index<tab>label<tab>path`, as `mxnet/tools/im2rec.py`
writes and reads it. What a line cannot hold of a file's name is written as `\\x` and two hexadecimal digits:
`escaped` says what, `unescaped` takes it back.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.pictures.source import Listing, Picture, Split

SPLITS: tuple[Split, Split] = ("train", "validation")
# Control characters, bytes that are not UTF-8 (as Python's file names hold them), and what looks like an escape.
_TO_ESCAPE = re.compile(r"[\x00-\x1f\x7f\udc80-\udcff]|\\(?=x(?:[01][0-9a-f]|5c|7f|[89a-f][0-9a-f]))")
_ESCAPE = re.compile(r"\\x([01][0-9a-f]|5c|7f|[89a-f][0-9a-f])")


@dataclass(frozen=True)
class Entry:
    """One line of a list. `path` is relative to the pictures' root, with `/` between folders."""

    index: int
    label: int
    path: str


def split_listing(listing: Listing, split_ratio: float, seed: int) -> dict[Split, list[Entry]]:
    """The pictures of both sides, each in a shuffled order, numbered from 0.

    Each class is split by itself, `split_ratio` of it (0..1, rounded to whole pictures) to train on; from
    a class with two or more pictures each side gets at least one. A picture whose `split` is set stays on
    that side. The same listing, ratio and seed give the same lists, and a class is split alike whatever
    pictures the others have.
    """
    sides: dict[Split, list[Picture]] = {"train": [], "validation": []}
    for label in range(len(listing.classes)):
        of_class = [picture for picture in listing.pictures if picture.label == label]
        for split in SPLITS:
            sides[split] += [picture for picture in of_class if picture.split == split]
        free = [picture for picture in of_class if picture.split is None]
        random.Random(f"split {seed} {label}").shuffle(free)
        cut = _training_share(of_class, len(free), split_ratio)
        sides["train"] += free[:cut]
        sides["validation"] += free[cut:]
    for split, pictures in sides.items():
        random.Random(f"order {seed} {split}").shuffle(pictures)
    return {
        split: [Entry(index, picture.label, picture.path) for index, picture in enumerate(pictures)]
        for split, pictures in sides.items()
    }


def _training_share(of_class: list[Picture], free: int, split_ratio: float) -> int:
    fixed = {picture.split for picture in of_class}
    least = 0 if "train" in fixed else 1
    most = free if "validation" in fixed else free - 1
    return max(least, min(round(free * split_ratio), most))


def escaped(path: str) -> str:
    """The path in one line of valid UTF-8 without tabs; a path that is so already is not changed.

    Each control character, and each byte of a name that is not UTF-8, becomes `\\x` and its two hexadecimal
    digits (a tab `\\x09`); so does a backslash (`\\x5c`), but only where it would be taken for an escape.
    """
    return _TO_ESCAPE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", path)


def unescaped(path: str) -> str:
    """The path that `escaped` was given."""
    return _ESCAPE.sub(_character, path)


def _character(escape: re.Match[str]) -> str:
    number = int(escape[1], 16)
    return chr(number) if number < 0x80 else chr(0xDC00 + number)


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
