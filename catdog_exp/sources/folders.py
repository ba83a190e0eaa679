"""Class folders on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.sources.names import class_of
from catdog_exp.sources.source import Listing, Picture, Source, Split

# The last three cannot be decoded; they are listed so that packing says what becomes of them.
EXTENSIONS = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"),
    *(".heic", ".heif", ".avif"),
)


@dataclass(frozen=True)
class Folder(Source):
    """One subfolder for each class, pictures anywhere inside it.

    root: the folder that holds the class folders. Their names are matched to the classes ignoring case
        and plural: cat, cats and Cat are alike. A class may have several; other folders are left out.
    """

    root: str

    def check(self, classes: list[str]) -> None:
        """Raise UserError when `root` is not a folder that can be read, or does not hold pictures of each class."""
        self.listing(classes)

    def listing(self, classes: list[str]) -> Listing:
        """All pictures of the class folders. Raises UserError for a class without folder or pictures."""
        root = readable_folder(self.root)
        others = [name for name in subfolders(root) if class_of(name, classes) is None]
        note = f"folders of no class left out: {_some(others)}" if others else ""
        return Listing(root, classes, labelled_pictures(root, classes), note)


def readable_folder(root: str) -> Path:
    """`root` as an absolute path. Raises UserError when there is no such folder, or it cannot be read."""
    folder = Path(root).expanduser().absolute()
    if not root:
        raise UserError("data.root is empty: give data.root=DIR, the folder of the pictures")
    if not folder.exists():
        raise UserError(f"data.root={root}: there is no such folder ({folder})")
    if not folder.is_dir():
        raise UserError(f"data.root={root}: this is a file, name the folder of the pictures")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UserError(f"data.root={root}: this folder may not be read by you, change its permissions")
    return folder


def subfolders(root: Path) -> list[str]:
    """Names of the folders right in `root`, sorted, hidden ones left out."""
    return [entry.name for entry in _entries(root) if _is_folder(entry)]


def picture_files(root: Path) -> list[str]:
    """Names of the pictures right in `root`, sorted, hidden ones left out."""
    return [entry.name for entry in _entries(root) if _is_picture(entry)]


def labelled_pictures(root: Path, classes: list[str], within: str = "", split: Split | None = None) -> list[Picture]:
    """Pictures in the class folders of `root`/`within`, anywhere inside, sorted by path relative to `root`.

    Raises UserError when a class has no folder there, or no picture in it.
    """
    top = root / within
    folders = subfolders(top)
    pictures = []
    for label, name in enumerate(classes):
        own = [folder for folder in folders if class_of(folder, classes) == label]
        if not own:
            there = f"it has {_some(folders)}" if folders else "it has no folders"
            raise UserError(f"{top} has no folder for the class {name} ({there}): set data.root or data.classes")
        found = [Picture(path, label, split) for folder in own for path in _inside(root, f"{within}{folder}/")]
        if not found:
            raise UserError(f"{top / own[0]} has no pictures ({' '.join(ending[1:] for ending in EXTENSIONS)})")
        pictures += found
    pictures.sort(key=lambda picture: picture.path)
    return pictures


def _inside(root: Path, start: str) -> Iterator[str]:
    waiting = [start]
    seen = set()  # a link may lead back to a folder above it
    while waiting:
        within = waiting.pop()
        folder = root / within
        identity = folder.stat()
        if (identity.st_dev, identity.st_ino) in seen:
            continue
        seen.add((identity.st_dev, identity.st_ino))
        for entry in _entries(folder):
            if _is_picture(entry):
                yield within + entry.name
            elif _is_folder(entry):
                waiting.append(f"{within}{entry.name}/")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror or error}") from None
    return sorted(entries, key=lambda entry: entry.name)


def _is_picture(entry: os.DirEntry[str]) -> bool:
    if not entry.name.lower().endswith(EXTENSIONS):
        return False
    if not entry.is_symlink():
        return entry.is_file()
    # A link that leads nowhere is listed too: packing says so, where it would else be missed by nobody.
    target = Path(entry)
    return target.is_file() or not target.exists()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # A link to itself is no folder to Path, and an error to the entry.
    return Path(entry).is_dir() if entry.is_symlink() else entry.is_dir()


def _some(names: list[str]) -> str:
    shown = ", ".join(map(escaped, names[:8]))
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
