"""Which class, or which side of a split, the name of a folder or a file means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from catdog_exp.sources.source import Split

_SIDES: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def class_of(name: str, classes: list[str]) -> int | None:
    """Label of the class that `name` means, ignoring case and plural, or None. The very name comes first."""
    name = _folded(name)
    known = [_folded(each) for each in classes]
    if name in known:
        return known.index(name)
    for label, each in enumerate(known):
        if name in _plurals(each) or each in _plurals(name):
            return label
    return None


def classes_named(file: str, classes: Sequence[str]) -> list[int]:
    """Labels of the classes that a file is named by: the longest that its name starts with, and others behind that.

    A class ends before anything but a letter. Of cat.0.jpg it is `cat`, of cat_dog_1.jpg both, of catalogue.jpg none.
    """
    labels, first, further = _patterns(tuple(classes))
    name = _folded(file)
    start = first.match(name)
    if start is None:
        return []
    found = [start[0], *(other[0] for other in further.finditer(name, start.end()))]
    return list(dict.fromkeys(labels[each] for each in found))


def side_of(name: str) -> Split | None:
    """The side that a folder of this name holds, or None: train, Training, training_set, train_set; val, dev; test."""
    return _SIDES.get(name.casefold().removesuffix("_set"))


def _plurals(name: str) -> set[str]:
    plurals = {f"{name}s", f"{name}es"}
    if name.endswith("y"):
        plurals.add(f"{name[:-1]}ies")
    return plurals


def _singulars(name: str) -> set[str]:
    endings = {"ies": "y", "es": "", "s": ""}
    return {name.removesuffix(end) + instead for end, instead in endings.items() if name.endswith(end)} - {""}


def _folded(name: str) -> str:
    # macOS takes letters apart that others write as one.
    return unicodedata.normalize("NFC", name).casefold()


@cache
def _patterns(classes: tuple[str, ...]) -> tuple[dict[str, int], re.Pattern[str], re.Pattern[str]]:
    """The label of each word that means a class, and what finds these words: at a name's start, and further on."""
    labels = {_folded(name): label for label, name in enumerate(classes)}
    for name, label in list(labels.items()):
        for other in _plurals(name) | _singulars(name):
            labels.setdefault(other, label)
    words = sorted(labels, key=len, reverse=True)
    # A number further on counts pictures: 7_1.jpg is of the class 7.
    later = [word for word in words if not word.isdigit()]
    return labels, _any_of(words), re.compile(rf"(?<![^\W_]){_any_of(later).pattern}")


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    alternatives = (re.escape(word) + (r"(?!\d)" if word[-1].isdigit() else "") for word in words)
    return re.compile(rf"(?:{'|'.join(alternatives) or '(?!)'})(?![^\W\d_])")
