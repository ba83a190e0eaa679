"""Which class the name of a folder or a file means."""

from __future__ import annotations


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


def _plurals(name: str) -> set[str]:
    plurals = {f"{name}s", f"{name}es"}
    if name.endswith("y"):
        plurals.add(f"{name[:-1]}ies")
    return plurals
