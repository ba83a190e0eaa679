"""One folder of pictures with the class in each file's name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.paths import LocalPath
from catdog_exp.sources.finding import look_into, passed_over
from catdog_exp.sources.folders import flat_folder, holds_classes, readable_folder
from catdog_exp.sources.names import classes_named
from catdog_exp.sources.source import Listing, Picture, Source


@dataclass(frozen=True)
class Flat(Source):
    """One folder with all pictures, the class at the start of each file's name: cat.0.jpg, dog_12.jpg.

    root: the folder that holds the files. A file is of the class with the longest name that its own starts with,
        ignoring case and plural: golden retriever 3.jpg. Files of no class, or of two, are left out.
    """

    root: LocalPath

    def check(self, classes: list[str]) -> Listing:
        """Raise UserError when `root` is not a folder that can be read, or does not hold pictures of each class."""
        return self.listing(classes)

    def listing(self, classes: list[str]) -> Listing:
        """All pictures whose name starts with a class. Raises UserError for a class without pictures."""
        root = readable_folder(self.root)
        passed = Counter[str]()
        files, folders = look_into(root, passed)
        if folders:
            passed["folder"] += len(folders)
        pictures: list[Picture] = []
        none: list[str] = []
        several: list[str] = []
        for file in files:
            labels = classes_named(file, classes)
            if len(labels) == 1:
                pictures.append(Picture(file, labels[0]))
            else:
                (several if labels else none).append(file)
        notes = [_left_out("no class", none), _left_out("two classes", several), passed_over(passed)]
        for label, name in enumerate(classes):
            if not any(picture.label == label for picture in pictures):
                named = f" ({notes[1]})" if several else ""
                raise UserError(
                    f"{root} has no picture whose name starts with {name}, as {name}.0.jpg{named}"
                    f"{_instead(root, classes)}"
                )
        return Listing(root, classes, pictures, "; ".join(filter(None, notes)))


def _left_out(whose: str, files: list[str]) -> str:
    return f"pictures of {whose} left out: {len(files):,}, such as {escaped(files[0])}" if files else ""


def _instead(root: Path, classes: list[str]) -> str:
    if holds_classes(root, classes):
        return ", but class folders: use data=folder"
    flat = flat_folder(root, classes)
    return f": {flat} has, set data.root={flat}" if flat else ": set data.root or data.classes"
