"""Class folders on this machine, as they are or in folders for the sides of a split."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.paths import LocalPath
from catdog_exp.sources.finding import look_into, passed_over, pictures_inside, some, subfolders
from catdog_exp.sources.names import class_of, classes_named, side_of
from catdog_exp.sources.source import SPLITS, Listing, Picture, Source, Split


@dataclass(frozen=True)
class Folder(Source):
    """One subfolder for each class, pictures anywhere inside it; or such folders in train/, validation/ and test/.

    root: the folder that holds the class folders. Their names are matched to the classes ignoring case
        and plural: cat, cats and Cat are alike. A class may have several; other folders are left out.
        Or the folder that holds those of the sides, called as `names.side_of` knows them.
    """

    root: LocalPath

    def check(self, classes: list[str]) -> Listing:
        """Raise UserError when `root` is not a folder that can be read, or does not hold pictures of each class."""
        return self.listing(classes)

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
    passed = Counter[str]()
    parts = {} if _has_all(folders, classes) else _parts(root, folders, classes)
    if not parts:
        pictures = labelled_pictures(root, classes, passed)
        notes = [_left_out(folders, classes), passed_over(passed)]
        return Listing(root, classes, pictures, "; ".join(filter(None, notes)))
    sides = {folder: side for folder in folders if (side := side_of(folder))}
    if "train" not in {sides[folder] for folder in parts}:
        raise UserError(f"{root} has {some(list(parts))} but no folder train with class folders: set data.root")
    own_validation = "validation" in sides.values()
    pictures, counts, others = [], Counter[Split](), [folder for folder in folders if folder not in sides]
    for folder, side in sides.items():
        if folder not in parts and side == "test":
            continue
        within = parts.get(folder, f"{folder}/")
        given = None if side == "train" and not own_validation else side
        found = labelled_pictures(root, classes, passed, within, given)
        counts[side] += len(found)
        pictures += found
        others += [f"{within}{name}" for name in subfolders(root / within)]
    pictures.sort(key=lambda picture: picture.path)
    notes = [_split_note(counts, sorted(parts, key=lambda folder: SPLITS.index(sides[folder])))]
    notes += [f"{folder}/ has no class folders: pictures to predict" for folder in sides if folder not in parts]
    return Listing(
        root, classes, pictures, "; ".join(filter(None, [*notes, _left_out(others, classes), passed_over(passed)]))
    )


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
        waiting.extend(folder / name for name in subfolders(folder))
    there = some(subfolders(top)) or "none"
    raise UserError(
        f"{top} has nowhere a folder for each of {some(classes)} (folders there: {there}): "
        "set data.root or data.classes"
    )


def holds_classes(folder: Path, classes: list[str]) -> bool:
    """Whether the class folders are all in `folder`, or folders for sides with class folders."""
    folders = subfolders(folder)
    return _has_all(folders, classes) or bool(_parts(folder, folders, classes))


def flat_folder(root: Path, classes: list[str]) -> Path | None:
    """The first of `root` and the folders in it with files named by each class, as cat.0.jpg, if any."""
    for folder in (root, *(root / name for name in subfolders(root))):
        named = (classes_named(file, classes) for file in look_into(folder, Counter())[0])
        if {labels[0] for labels in named if labels}.issuperset(range(len(classes))):
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


def labelled_pictures(
    root: Path, classes: list[str], passed: Counter[str], within: str = "", split: Split | None = None
) -> list[Picture]:
    """Pictures in the class folders of `root`/`within`, anywhere inside, sorted by path relative to `root`.

    passed: is given what is passed over, by kind, as `finding.look_into` does.
    Raises UserError when a class has no folder there, or no picture in it.
    """
    top = root / within
    beside, folders = look_into(top, passed)
    if beside:
        passed["picture beside the class folders"] += len(beside)
    pictures = []
    for label, name in enumerate(classes):
        own = [folder for folder in folders if class_of(folder, classes) == label]
        if not own:
            raise UserError(f"{top} has no folder for the class {name} {_instead(top, folders, classes)}")
        there = Counter[str]()
        found = [
            Picture(path, label, split) for folder in own for path in pictures_inside(root, f"{within}{folder}/", there)
        ]
        if not found:
            raise UserError(f"{top / own[0]} has no pictures ({passed_over(there) or 'it is empty'})")
        passed += there
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
    return f"folders of no class left out: {some(others)}" if others else ""


def _instead(top: Path, folders: list[str], classes: list[str]) -> str:
    """What is in `top` in place of a folder for each class, and what to do."""
    if flat := flat_folder(top, classes):
        return f"but {flat} has files named by class: use data=flat data.root={flat}"
    if not folders and class_of(top.name, classes) is not None:
        return f"(it is one of the class folders itself): set data.root={top.parent}"
    there = f"it has {some(folders)}" if folders else "it has no folders"
    return f"({there}): set data.root or data.classes"
