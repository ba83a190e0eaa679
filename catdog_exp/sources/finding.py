"""The picture files in a folder, and what else is there, by kind."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.images.kinds import BEGINNING, NOT_READ, kind_of

# Under these names a file is a picture without being opened; packing says what becomes of those that are none.
ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"),
    *(".heic", ".heif", ".avif"),
)
# What cameras write beside their JPEGs begins as a TIFF, and holds only a thumbnail that is one.
CAMERA_RAW = frozenset(
    {
        *(".3fr", ".arw", ".cr2", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25", ".kdc", ".mef", ".mos"),
        *(".nef", ".nrw", ".pef", ".rwl", ".sr2", ".srw"),
    }
)
# Folders that network storage, operating systems and archivers make beside people's files, in small letters.
MADE_BY_SYSTEMS = frozenset(
    {
        *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@__thumb", "~snapshot"),
        *("$recycle.bin", "recycler", "system volume information", "found.000", "_vti_cnf"),
        *("__macosx", "network trash folder", "temporary items", "thevolumesettingsfolder"),
        *("lost+found", "thumbnails", "thumbs", "_thumbs", "picasa originals", "__pycache__"),
    }
)
_SPECIAL = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
_SHOWN = 8  # names, or kinds, in a line


def look_into(folder: Path, passed: Counter[str]) -> tuple[list[str], list[str]]:
    """Names of the pictures and of the folders right in `folder`, sorted.

    A picture is known by its ending or, under any other name, by its first bytes. Pipes, sockets and devices are never
    opened. Hidden files, folders that systems make and all else that is passed over is counted in `passed`, by kind.
    """
    pictures, folders = [], []
    for entry in _entries(folder):
        if entry.name.startswith("."):
            passed["hidden"] += 1
        elif _is_folder(entry):
            if entry.name.casefold() in MADE_BY_SYSTEMS:
                passed[f"{entry.name}/"] += 1
            else:
                folders.append(entry.name)
        elif (kind := _kind_of_no_picture(entry)) is None:
            pictures.append(entry.name)
        else:
            passed[kind] += 1
    return pictures, folders


def pictures_inside(
    root: Path, start: str, passed: Counter[str], order: Callable[[str], Any] | None = None
) -> Iterator[str]:
    """Paths of the pictures in `root`/`start` and in all folders below, relative to `root`; else as `look_into`.

    order: what names in a folder are sorted by, its pictures before its subfolders; None: any order of folders.
    """
    waiting = [start]
    seen = set()  # a link may lead back to a folder above it
    while waiting:
        within = waiting.pop()
        folder = root / within
        try:
            identity = folder.stat()
        except FileNotFoundError:  # removed meanwhile
            continue
        if (identity.st_dev, identity.st_ino) in seen:
            continue
        seen.add((identity.st_dev, identity.st_ino))
        pictures, folders = look_into(folder, passed)
        if order is not None:
            pictures.sort(key=order)
            folders.sort(key=order, reverse=True)
        yield from (within + name for name in pictures)
        waiting += [f"{within}{name}/" for name in folders]


def subfolders(root: Path) -> list[str]:
    """Names of the folders right in `root`, sorted, without hidden ones and those that systems make."""
    return [
        entry.name
        for entry in _entries(root)
        if entry.name[0] != "." and _is_folder(entry) and entry.name.casefold() not in MADE_BY_SYSTEMS
    ]


def passed_over(passed: Counter[str]) -> str:
    """What was passed over in one line, the most frequent kinds first; empty where nothing was."""
    if not passed:
        return ""
    kinds = [f"{escaped(kind)} {count:,}" for kind, count in sorted(passed.items(), key=lambda each: (-each[1], each))]
    return f"passed over: {some(kinds)}"


def some(names: list[str]) -> str:
    """The first of the names, and how many more there are."""
    shown = ", ".join(map(escaped, names[:_SHOWN]))
    return f"{shown} and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else shown


def _kind_of_no_picture(entry: os.DirEntry[str]) -> str | None:
    """None for a picture, else what to count it as."""
    named = entry.name.lower().endswith(ENDINGS)
    if named and entry.is_file(follow_symlinks=False):
        return None
    try:
        mode = entry.stat().st_mode
    except OSError:
        # Under a picture's name packing tells of it, where it would else be missed by nobody.
        return None if named else "broken link"
    if not stat.S_ISREG(mode):
        return _SPECIAL.get(stat.S_IFMT(mode), "device")
    if named:
        return None
    ending = PurePath(entry.name).suffix.lower()
    kind = ending if 1 < len(ending) <= 8 and ending[1:].isalnum() else "other name"
    if ending in CAMERA_RAW:
        return kind
    try:
        file = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return f"{kind} that cannot be read"
    try:
        found = kind_of(os.read(file, BEGINNING))
    except OSError:
        found = None
    finally:
        os.close(file)
    return kind if found is None or found in NOT_READ else None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except FileNotFoundError:  # removed meanwhile
        return []
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror or error}") from None
    return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to what may not be looked at
        return False
