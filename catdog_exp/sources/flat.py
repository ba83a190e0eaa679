"""One folder of pictures with the class in each file's name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catdog_exp.errors import UserError
from catdog_exp.sources.folders import picture_files, readable_folder
from catdog_exp.sources.names import class_of
from catdog_exp.sources.source import Listing, Picture, Source

_AFTER_CLASS = re.compile(r"[._\-\s\d]")  # what ends the class in a file's name


@dataclass(frozen=True)
class Flat(Source):
    """One folder with all pictures, the class at the start of each file's name: cat.0.jpg, dog_12.jpg.

    root: the folder that holds the files. A name's class ends at the first dot, underscore, hyphen, space
        or digit, and is matched ignoring case and plural. Files of no class are left out.
    """

    root: str

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
            word = _AFTER_CLASS.split(file, maxsplit=1)[0]
            if word not in labels:
                labels[word] = class_of(word, classes)
            label = labels[word]
            if label is None:
                others += 1
            else:
                pictures.append(Picture(file, label))
        for label, name in enumerate(classes):
            if not any(picture.label == label for picture in pictures):
                raise UserError(f"{root} has no picture whose name starts with {name}, as {name}.0.jpg")
        return Listing(root, classes, pictures, f"pictures of no class left out: {others}" if others else "")
