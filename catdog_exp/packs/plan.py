"""What a pack is going to be, resolved before any of it is made."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.images.content_hashes import Content, contents
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.corrections import corrected
from catdog_exp.packs.duplicates import Separated, separate
from catdog_exp.packs.fingerprint import fingerprint, how_packed
from catdog_exp.packs.lst_files import Entry
from catdog_exp.packs.split import split_listing
from catdog_exp.packs.writer import Rejected
from catdog_exp.sources.source import SPLITS, Listing, Split

DIGESTS = ".digests"  # the folder, beside the packs, of what is known of the pictures' contents
PURPOSES: dict[Split, str] = {"train": "to train on", "validation": "to validate on", "test": "to test on"}
NUMBERS = {1: "one", 2: "two", 3: "three"}


@dataclass(frozen=True)
class PackPlan:
    """A pack as it follows from pictures and settings, whether it is there already or not.

    data: the settings. listing: the pictures. contents: what is in them, by path.
    separated: the pictures of each side in their order, and those left out since they stand there more than once.
    place: the pack's folder, `<packs>/<fingerprint>`.
    """

    data: DataConfig
    listing: Listing
    contents: dict[str, Content]
    separated: Separated
    place: Path

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for all that the pack's bytes follow from."""
        return self.place.name

    @property
    def lists(self) -> dict[Split, list[Entry]]:
        """The pictures of each side, in their order."""
        return self.separated.lists

    @property
    def sides(self) -> list[Split]:
        """The sides that the pack has."""
        return [split for split in SPLITS if self.lists[split]]

    @cached_property
    def dataset(self) -> str:
        """`dataset_digest` of the pictures."""
        return dataset_digest(self.listing, self.contents)

    def side_digest(self, split: Split) -> str:
        """`dataset_digest` of the pictures of one side: the same however they are packed, and in what order."""
        return _digest(self.listing.classes, [(entry.label, entry.path) for entry in self.lists[split]], self.contents)

    @cached_property
    def trained_on(self) -> str:
        """A digest of what a training sees of the pictures: those to train on and to validate on, as they are packed.

        How the files are called is not in it, nor in how many record files they lie.
        """
        return self._digest_of("train", "validation")

    @cached_property
    def judged_on(self) -> str:
        """A digest of what an evaluation sees of the pictures."""
        return self._digest_of(*(split for split in SPLITS if split != "train"))

    def digests(self, split: Split) -> list[str]:
        """The digest of each picture's content on one side, in order: SHA-256, hexadecimal."""
        return [self.contents[entry.path].sha256 for entry in self.lists[split]]

    def _digest_of(self, *splits: Split) -> str:
        how = how_packed(self.listing.classes, self.contents, self.data)
        sides = {
            split: [[entry.label, self.contents[entry.path].sha256] for entry in self.lists[split]] for split in splits
        }
        return hashlib.sha256(json.dumps([how, sides], sort_keys=True).encode()).hexdigest()


def dataset_digest(listing: Listing, found: Mapping[str, Content]) -> str:
    """32 hexadecimal digits that stand for a data set: its classes, and each picture's class and content.

    Where the pictures lie, how they are called, split and packed is not in it. found: contents by path.
    """
    return _digest(listing.classes, [(picture.label, picture.path) for picture in listing.pictures], found)


def _digest(classes: list[str], pictures: list[tuple[int, str]], found: Mapping[str, Content]) -> str:
    labelled = sorted((label, found[path].sha256) for label, path in pictures)
    return hashlib.sha256(json.dumps([classes, labelled]).encode()).hexdigest()[:32]


def look_at(listing: Listing, folder: Path, threads: int) -> dict[str, Content]:
    """What is in the pictures, by path. folder: of the packs, where that is remembered."""
    return contents(listing.root, [picture.path for picture in listing.pictures], folder / DIGESTS, threads)


def plan_pack(listing: Listing, data: DataConfig, folder: Path) -> PackPlan:
    """The pack of `listing` under the settings of `data` in `folder`. Looks at all pictures, makes nothing of them.

    Raises UserError where a class has no picture on one side that is asked for, and for what is wrong with
    `data.corrections`.
    """
    found = look_at(listing, folder, data.threads)
    lists = split_listing(listing, found, data)
    asked = [split for split in SPLITS if split != "test" or data.test_ratio or lists["test"]]
    if data.test_ratio == 1:
        asked = ["test"]
    if data.corrections is not None:
        listing, lists = corrected(listing, lists, found, Path(data.corrections))
        found = {picture.path: found[picture.path] for picture in listing.pictures}
    separated = separate(lists, found)
    if data.limit is not None:
        listing, separated = _limited(listing, separated, data.limit)
        found = {picture.path: found[picture.path] for picture in listing.pictures}
    copied = [*separated.copies, *separated.contradictions]
    check_classes(listing.classes, {split: separated.lists[split] for split in asked}, copied)
    place = folder / fingerprint(listing.classes, separated.lists, found, data)
    return PackPlan(data, listing, found, separated, place)


def _limited(listing: Listing, separated: Separated, limit: int) -> tuple[Listing, Separated]:
    """At most `limit` pictures of each class on each side, as if there were no others.

    They are the first ones in the side's order, which goes by content: those of a smaller limit are among those of a
    larger one, and each is on the side that it is on without a limit.
    """
    lists: dict[Split, list[Entry]] = {}
    for split, entries in separated.lists.items():
        taken: Counter[int] = Counter()
        lists[split] = []
        for entry in entries:
            if taken[entry.label] < limit:
                taken[entry.label] += 1
                lists[split].append(entry)
    kept = {entry.path for entries in lists.values() for entry in entries}
    pictures = [picture for picture in listing.pictures if picture.path in kept]
    note = f"{listing.note or listing.root}, at most {limit:,} of each class on each side"
    return replace(listing, pictures=pictures, note=note), Separated(lists, [], [])


def check_classes(classes: list[str], lists: Mapping[Split, list[Entry]], rejected: Sequence[Rejected]) -> None:
    """Raise UserError where a class has no picture on one of the sides; `rejected` is why that may be so."""
    for label, name in enumerate(classes):
        for split, entries in lists.items():
            if any(entry.label == label for entry in entries):
                continue
            purpose = PURPOSES[split]
            reasons = [picture for picture in rejected if picture.label == label]
            if not reasons:
                raise UserError(
                    f"class {name} has no picture {purpose}: it needs {NUMBERS[len(lists)]} pictures or more, "
                    "and where the source has sides of its own, one on each"
                )
            raise UserError(
                f"class {name} has no picture left {purpose}: {len(reasons)} of its pictures cannot be used, "
                f"the first is {escaped(reasons[0].path)} ({reasons[0].reason}); replace or remove them"
            )
