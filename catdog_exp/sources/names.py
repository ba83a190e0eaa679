"""Which class, or which side of a split, the name of a folder or a file means."""

from __future__ import annotations

import re

from catdog_exp.sources.source import Split

_SIDES: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_AFTER_CLASS = re.compile(r"[._\-\s\d]")  # what ends the class in a file's name


def class_of(name: str, classes: list[str]) -> int | None:
    """Label of the class that `name` means, ignoring case and plural, or None. The very name comes first."""
    name = name.casefold()
    known = [each.casefold() for each in classes]
    if name in known:
        return known.index(name)
    for label, each in enumerate(known):
        if name in _plurals(each) or each in _plurals(name):
            return label
    return None


def word_of(file: str) -> str:
    """The word at the start of a file's name, up to a dot, underscore, hyphen, space or digit: of cat.0.jpg `cat`."""
    return _AFTER_CLASS.split(file, maxsplit=1)[0]


def side_of(name: str) -> Split | None:
    """The side that a folder of this name holds, or None: train, Training, training_set, train_set; val, dev; test."""
    return _SIDES.get(name.casefold().removesuffix("_set"))


def _plurals(name: str) -> set[str]:
    plurals = {f"{name}s", f"{name}es"}
    if name.endswith("y"):
        plurals.add(f"{name[:-1]}ies")
    return plurals
