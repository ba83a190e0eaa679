"""A zip archive unpacked into a folder, whole or not at all."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from catdog_exp.console import ProgressBar
from catdog_exp.errors import UserError
from catdog_exp.locks import whole_folder

LARGEST = 20 * 1024**3  # bytes, unpacked
STRONGEST = 200  # times the size of the archive; pictures hardly shrink at all
HARMLESS = 100 * 1024**2  # bytes that an archive may unpack to whatever its own size is


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the zip file `archive` into the new `folder`; to be called while holding `folder`'s lock.

    Raises UserError, and leaves no folder, when the file is no whole zip file; when an entry points outside
    of the folder, is a link or has a password; when it would unpack to more than LARGEST, or to
    STRONGEST times its own size; when the disk is full.
    """
    try:
        with zipfile.ZipFile(archive) as opened, whole_folder(folder) as making:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _check_size(archive, entries, shutil.disk_usage(making).free)
            # All names first, so that a bad one is seen before anything is written.
            places = [making / _safe_name(archive, entry) for entry in entries]
            with ProgressBar("unpacking", len(entries), "files") as bar:
                for entry, place in zip(entries, places, strict=True):
                    place.parent.mkdir(parents=True, exist_ok=True)
                    with opened.open(entry) as packed, place.open("wb") as unpacked:
                        shutil.copyfileobj(packed, unpacked, 1 << 20)
                    bar.advance(1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UserError(
            f"{archive} is not a whole zip file ({error or 'it ends too early'}): delete it and run again"
        ) from None
    except OSError as error:
        raise UserError(f"{archive} cannot be unpacked into {folder}: {error.strerror or error}") from None


def _check_size(archive: Path, entries: list[zipfile.ZipInfo], free: int) -> None:
    # An entry that holds more than it declares ends the unpacking with an error of zipfile's.
    total = sum(entry.file_size for entry in entries)
    if total > LARGEST or total > max(HARMLESS, STRONGEST * archive.stat().st_size):
        raise UserError(
            f"{archive} would unpack to {total / 1e9:.1f} GB, more than pictures of its size can: delete it"
        )
    if total > free:
        raise UserError(f"{archive} unpacks to {total / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free there: make room")


def _safe_name(archive: Path, entry: zipfile.ZipInfo) -> PurePosixPath:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or not name.parts or re.match("[A-Za-z]:", str(name)):
        raise UserError(f"{archive}: its entry {entry.filename!r} points outside of the archive, do not use it")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UserError(f"{archive}: its entry {entry.filename!r} is a link, do not use it")
    if entry.flag_bits & 1:
        raise UserError(f"{archive} has a password: unpack it yourself and use data=folder data.root=DIR")
    return name
