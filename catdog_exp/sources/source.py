"""What every source of labelled pictures gives: a listing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class Picture:
    """One labelled picture file.

    path: relative to the listing's root, with `/` between folders.
    label: index of its class in the listing's classes.
    split: the side that the source itself puts it on, or None to leave that to the seeded split.
    """

    path: str
    label: int
    split: Split | None = None


@dataclass(frozen=True)
class Listing:
    """All pictures of a source, sorted by path. `note` is one line about them for people, may be empty."""

    root: Path
    classes: list[str]
    pictures: list[Picture]
    note: str = ""


@dataclass(frozen=True)
class Source(ABC):
    """Where labelled pictures come from. A subclass is a frozen dataclass; its fields are its YAML keys."""

    @abstractmethod
    def check(self, classes: list[str]) -> Listing | None:
        """Raise UserError for what can be seen to be wrong before any work (a missing folder, a missing extra).

        Returns the listing where it had to be made for that, to be made once.
        """

    @abstractmethod
    def listing(self, classes: list[str]) -> Listing:
        """The labelled pictures; makes them available first (draws, downloads, unpacks) where needed, once.

        Raises UserError when a class has no pictures or the pictures cannot be had.
        """

    def absent(self) -> str | None:
        """What `listing` would have to make available first, in words; None where the pictures are there."""
        return None

    # Whether `test_pictures` gives any.
    has_test_pictures: ClassVar[bool] = False

    def test_pictures(self) -> Path | None:
        """A folder of unlabelled pictures that belongs to this source and is there to be predicted, if any."""
        return None
