"""The pictures that words of a command line name."""

from __future__ import annotations

import glob
import logging
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from catdog_exp.errors import UserError
from catdog_exp.images.kinds import BEGINNING, NOT_READ, kind_of
from catdog_exp.inference.pictures import Picture, PictureFile, ZippedPicture
from catdog_exp.sources.finding import ENDINGS, MADE_BY_SYSTEMS, passed_over, pictures_inside

STANDARD_INPUT = "-"
KEPT = 50_000  # pictures of a place that stay in memory between counting them and predicting them
ZIP = (b"PK\3\4", b"PK\5\6")  # the beginning of an archive, and of an empty one

log = logging.getLogger(__name__)


class NamedPictures:
    """The pictures that words name, each once, in the order of the words; of very many not all are in memory.

    A file is taken whatever it is called. A folder stands for the pictures in it and in its subfolders, as
    `finding.pictures_inside` finds them, a zip archive for those in it, both sorted so that 2.jpg comes before 10.jpg;
    a pattern for what it matches; `-` for paths on standard input, one a line. What is passed over is logged.

    total: how many there are, None where standard input is read.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Raises UserError, naming the word: nothing is there, it is a pipe or a device, or it has no pictures."""
        self._archives: dict[Path, ZipFile] = {}
        self._kept: dict[Path, list[Picture]] = {}
        given = list(words)
        self._reads_input = STANDARD_INPUT in given
        places = [place for word in given if word != STANDARD_INPUT for place in _places(word)]
        once: dict[str, Path] = {}
        for place in places:
            once.setdefault(_absolute(place), place)
        self._places = list(once.values())
        counts = [self._count(place) for place in self._places]
        if len(counts) > 1:
            counts = [sum(1 for _ in self._there())]  # some may be named twice
        self.total = None if self._reads_input else sum(counts)

    def __iter__(self) -> Iterator[Picture]:
        yield from self._there()
        if self._reads_input:
            yield from _on_standard_input()

    def _there(self) -> Iterator[Picture]:
        seen: set[str] = set()
        for place in self._places:
            for picture in self._kept.get(place) or self._pictures_at(place, Counter()):
                if len(self._places) > 1 and isinstance(picture, PictureFile):
                    if (whole := _absolute(picture.path)) in seen:
                        continue
                    seen.add(whole)
                yield picture

    def _count(self, place: Path) -> int:
        if place.is_file():
            with suppress(OSError), place.open("rb") as file:
                if file.read(len(ZIP[0])) in ZIP:
                    self._archives[place] = _opened(place)
        passed = Counter[str]()
        there = self._pictures_at(place, passed)
        first = list(islice(there, KEPT))
        more = sum(1 for _ in there)
        if not more:
            self._kept[place] = first
        count = len(first) + more
        if not count:
            kind = "archive" if place in self._archives else "folder"
            why = passed_over(passed) or "it is empty"
            raise UserError(f"{place}: there are no pictures in this {kind} ({why})")
        if passed:
            log.info("%s: %s", place, passed_over(passed))
        return count

    def _pictures_at(self, place: Path, passed: Counter[str]) -> Iterator[Picture]:
        if place in self._archives:
            archive = self._archives[place]
            for entry in sorted(archive.infolist(), key=lambda entry: natural(entry.filename)):
                if not entry.is_dir() and _is_picture(archive, entry, passed):
                    yield ZippedPicture(archive, entry)
        elif place.is_dir():
            for path in pictures_inside(place, "", passed, natural):
                yield PictureFile(place / path)
        else:
            yield PictureFile(place)


def natural(name: str) -> tuple[list[Any], str]:
    """What names are sorted by so that numbers in them count as numbers."""
    # Text and numbers take turns in a split, so that like is compared with like.
    bits: list[Any] = re.split(r"(\d+)", name.casefold())
    digits = [bit.lstrip("0") for bit in bits[1::2]]
    bits[1::2] = [(len(number), number) for number in digits]
    return bits, name


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links


def _places(word: str) -> list[Path]:
    """The files and folders that a word names."""
    path = Path(word)
    if path.is_dir() or path.is_file():
        return [path]
    if path.exists():
        raise UserError(f"{word}: this is a pipe, a socket or a device, not a picture")
    if not glob.has_magic(word):
        raise UserError(f"{word}: there is no such file or folder")
    matching = glob.glob(word, recursive=True)  # noqa: PTH207 - of a Path it takes no absolute patterns
    found = [Path(name) for name in sorted(matching, key=natural)]
    places = [path for path in found if path.is_dir() or path.is_file()]
    if not places:
        raise UserError(f"{word}: there is no such file or folder, and nothing that this pattern matches")
    return places


def _opened(path: Path) -> ZipFile:
    try:
        return ZipFile(path)
    except (BadZipFile, OSError) as error:
        raise UserError(f"{path}: this zip archive cannot be read: {error}") from None


def _is_picture(archive: ZipFile, entry: ZipInfo, passed: Counter[str]) -> bool:
    """As `finding.look_into` has it, whose counts it keeps."""
    path = PurePosixPath(entry.filename)
    folders = [part for part in path.parts[:-1] if part.casefold() in MADE_BY_SYSTEMS]
    if any(part.startswith(".") and part not in (".", "..") for part in path.parts):
        passed["hidden"] += 1
        return False
    if folders:
        passed[f"{folders[0]}/"] += 1
        return False
    if path.name.lower().endswith(ENDINGS):
        return True
    try:
        with archive.open(entry) as file:
            kind = kind_of(file.read(BEGINNING))
    except (BadZipFile, NotImplementedError, RuntimeError, OSError):  # damaged, or with a password
        kind = None
    if kind is None or kind in NOT_READ:
        passed[path.suffix.lower() or "other name"] += 1
        return False
    return True


def _on_standard_input() -> Iterator[Picture]:
    for line in sys.stdin.buffer:
        name = os.fsdecode(line.rstrip(b"\r\n"))
        if "\0" in name:
            raise UserError("-: standard input holds no paths of pictures, one a line")
        if name:
            yield PictureFile(Path(name))
