"""One folder of pictures with the class in each file's name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.paths import LocalPath
from catdog_exp.sources.folders import flat_folder, holds_classes, picture_files, readable_folder
from catdog_exp.sources.names import class_of, word_of
from catdog_exp.sources.source import Listing, Picture, Source


@dataclass(frozen=True)
class Flat(Source):
    """One folder with all pictures, the class at the start of each file's name: cat.0.jpg, dog_12.jpg.

    root: the folder that holds the files. A name's class ends at the first dot, underscore, hyphen, space
        or digit, and is matched ignoring case and plural. Files of no class are left out.
    """

    root: LocalPath

    def check(self, classes: list[str]) -> None:
        """Raise UserError when `root` is not a folder that can be read, or does not hold pictures of each class."""
        self.listing(classes)

    def listing(self, classes: list[str]) -> Listing:
        """All pictures whose name starts with a class. Raises UserError for a class without pictures."""
        root = readable_folder(self.root)
        pictures = []
        others = 0
        labels: dict[str, int | None] = {}  # by the word that a name starts with
        for file in picture_files(root):
            word = word_of(file)
            if word not in labels:
                labels[word] = class_of(word, classes)
            label = labels[word]
            if label is None:
                others += 1
            else:
                pictures.append(Picture(file, label))
        for label, name in enumerate(classes):
            if not any(picture.label == label for picture in pictures):
                raise UserError(
                    f"{root} has no picture whose name starts with {name}, as {name}.0.jpg{_instead(root, classes)}"
                )
        return Listing(root, classes, pictures, f"pictures of no class left out: {others}" if others else "")


def _instead(root: Path, classes: list[str]) -> str:
    if holds_classes(root, classes):
        return ", but class folders: use data=folder"
    flat = flat_folder(root, classes)
    return f": {flat} has, set data.root={flat}" if flat else ": set data.root or data.classes"
