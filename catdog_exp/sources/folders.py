"""Class folders on this machine, as they are or in folders for the sides of a split."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.paths import LocalPath
from catdog_exp.sources.names import class_of, side_of, word_of
from catdog_exp.sources.source import SPLITS, Listing, Picture, Source, Split

# The last three cannot be decoded; they are listed so that packing says what becomes of them.
EXTENSIONS = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"),
    *(".heic", ".heif", ".avif"),
)


@dataclass(frozen=True)
class Folder(Source):
    """One subfolder for each class, pictures anywhere inside it; or such folders in train/, validation/ and test/.

    root: the folder that holds the class folders. Their names are matched to the classes ignoring case
        and plural: cat, cats and Cat are alike. A class may have several; other folders are left out.
        Or the folder that holds those of the sides, called as `names.side_of` knows them.
    """

    root: LocalPath

    def check(self, classes: list[str]) -> None:
        """Raise UserError when `root` is not a folder that can be read, or does not hold pictures of each class."""
        self.listing(classes)

    def listing(self, classes: list[str]) -> Listing:
        """All pictures of the class folders. Raises UserError for a class without folder or pictures."""
        return listing_in(readable_folder(self.root), classes)


def listing_in(root: Path, classes: list[str]) -> Listing:
    """The pictures of the class folders in `root` or, where these are not all there, in its folders for the sides.

    Pictures in a folder train/ stay on that side where there is a folder for validation too, else they are free.
    A folder for tests that has no class folders is no side; the listing's note names it.

    Raises UserError: a class without folder or pictures; sides without one to train on.
    """
    folders = subfolders(root)
    parts = {} if _has_all(folders, classes) else _parts(root, folders, classes)
    if not parts:
        pictures = labelled_pictures(root, classes)
        return Listing(root, classes, pictures, _left_out(folders, classes))
    sides = {folder: side for folder in folders if (side := side_of(folder))}
    if "train" not in {sides[folder] for folder in parts}:
        raise UserError(f"{root} has {_some(list(parts))} but no folder train with class folders: set data.root")
    own_validation = "validation" in sides.values()
    pictures, counts, others = [], Counter[Split](), [folder for folder in folders if folder not in sides]
    for folder, side in sides.items():
        if folder not in parts and side == "test":
            continue
        within = parts.get(folder, f"{folder}/")
        found = labelled_pictures(root, classes, within, None if side == "train" and not own_validation else side)
        counts[side] += len(found)
        pictures += found
        others += [f"{within}{name}" for name in subfolders(root / within)]
    pictures.sort(key=lambda picture: picture.path)
    notes = [_split_note(counts, sorted(parts, key=lambda folder: SPLITS.index(sides[folder])))]
    notes += [f"{folder}/ has no class folders: pictures to predict" for folder in sides if folder not in parts]
    return Listing(root, classes, pictures, "; ".join(filter(None, [*notes, _left_out(others, classes)])))


def folder_with_classes(top: Path, classes: list[str]) -> Path:
    """The folder that `listing_in` can list: the one that `top` is a part of, else the first from `top` inwards.

    Raises UserError where there is none.
    """
    if (side_of(top.name) or class_of(top.name, classes) is not None) and holds_classes(top.parent, classes):
        return top.parent
    waiting = deque([top])
    while waiting:
        folder = waiting.popleft()
        if holds_classes(folder, classes):
            return folder
        # macOS puts a folder of this name beside what it packs, with the same folders in it and no pictures.
        waiting.extend(folder / name for name in subfolders(folder) if name != "__MACOSX")
    there = _some(subfolders(top)) or "none"
    raise UserError(
        f"{top} has nowhere a folder for each of {', '.join(classes)} (folders there: {there}): "
        "set data.root or data.classes"
    )


def holds_classes(folder: Path, classes: list[str]) -> bool:
    """Whether the class folders are all in `folder`, or folders for sides with class folders."""
    folders = subfolders(folder)
    return _has_all(folders, classes) or bool(_parts(folder, folders, classes))


def flat_folder(root: Path, classes: list[str]) -> Path | None:
    """The first of `root` and the folders in it with files named by each class, as cat.0.jpg, if any."""
    for folder in (root, *(root / name for name in subfolders(root))):
        if _has_all({word_of(file) for file in picture_files(folder)}, classes):
            return folder
    return None


def readable_folder(root: str) -> Path:
    """`root` as an absolute path. Raises UserError when there is no such folder, or it cannot be read."""
    folder = Path(root).absolute()
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
            raise UserError(f"{top} has no folder for the class {name} {_instead(top, folders, classes)}")
        found = [Picture(path, label, split) for folder in own for path in _inside(root, f"{within}{folder}/")]
        if not found:
            raise UserError(f"{top / own[0]} has no pictures ({' '.join(ending[1:] for ending in EXTENSIONS)})")
        pictures += found
    pictures.sort(key=lambda picture: picture.path)
    return pictures


def _has_all(names: Collection[str], classes: list[str]) -> bool:
    return {class_of(name, classes) for name in names}.issuperset(range(len(classes)))


def _parts(root: Path, folders: list[str], classes: list[str]) -> dict[str, str]:
    """Of the folders for sides in `root` those with class folders: where these are, right inside or a level deeper."""
    parts = {}
    for folder in filter(side_of, folders):
        for within in (f"{folder}/", *(f"{folder}/{name}/" for name in subfolders(root / folder))):
            if any(class_of(name, classes) is not None for name in subfolders(root / within)):
                parts[folder] = within
                break
    return parts


def _split_note(counts: Counter[Split], folders: list[str]) -> str:
    pictures = " + ".join(f"{counts[side]:,}" for side in SPLITS if counts[side]) + " pictures"
    *first, last = (f"{escaped(folder)}/" for folder in folders)
    names = f"{', '.join(first)} and {last}" if first else last
    if counts["validation"]:
        return f"{pictures}, split as the folders {names} say"
    return f"{pictures} in {names}, those to validate on are cut from the first"


def _left_out(folders: list[str], classes: list[str]) -> str:
    others = [folder for folder in folders if class_of(folder.rpartition("/")[2], classes) is None]
    return f"folders of no class left out: {_some(others)}" if others else ""


def _instead(top: Path, folders: list[str], classes: list[str]) -> str:
    """What is in `top` in place of a folder for each class, and what to do."""
    if flat := flat_folder(top, classes):
        return f"but {flat} has files named by class: use data=flat data.root={flat}"
    if not folders and class_of(top.name, classes) is not None:
        return f"(it is one of the class folders itself): set data.root={top.parent}"
    there = f"it has {_some(folders)}" if folders else "it has no folders"
    return f"({there}): set data.root or data.classes"


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
