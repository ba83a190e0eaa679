"""Which picture is on which side, in which order."""

from __future__ import annotations

import random

from catdog_exp.packs.lst_files import Entry
from catdog_exp.sources.source import SPLITS, Listing, Picture, Split


def split_listing(listing: Listing, split_ratio: float, seed: int) -> dict[Split, list[Entry]]:
    """The pictures of both sides, each in a shuffled order, numbered from 0.

    Each class is split by itself, `split_ratio` of it (0..1, rounded to whole pictures) to train on; from
    a class with two or more pictures each side gets at least one. A picture whose `split` is set stays on
    that side. The same listing, ratio and seed give the same lists, and a class is split alike whatever
    pictures the others have.
    """
    sides: dict[Split, list[Picture]] = {"train": [], "validation": []}
    for label in range(len(listing.classes)):
        of_class = [picture for picture in listing.pictures if picture.label == label]
        for split in SPLITS:
            sides[split] += [picture for picture in of_class if picture.split == split]
        free = [picture for picture in of_class if picture.split is None]
        random.Random(f"split {seed} {label}").shuffle(free)
        cut = _training_share(of_class, len(free), split_ratio)
        sides["train"] += free[:cut]
        sides["validation"] += free[cut:]
    for split, pictures in sides.items():
        random.Random(f"order {seed} {split}").shuffle(pictures)
    return {
        split: [Entry(index, picture.label, picture.path) for index, picture in enumerate(pictures)]
        for split, pictures in sides.items()
    }


def _training_share(of_class: list[Picture], free: int, split_ratio: float) -> int:
    fixed = {picture.split for picture in of_class}
    least = 0 if "train" in fixed else 1
    most = free if "validation" in fixed else free - 1
    return max(least, min(round(free * split_ratio), most))
