"""Which picture is on which side, in which order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import replace
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.images.content_hashes import UNREADABLE, Content
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.lst_files import Entry
from catdog_exp.sources.source import SPLITS, Listing, Split

FEW = 50  # pictures: one more that is right makes 2 % and more


def split_listing(listing: Listing, contents: Mapping[str, Content], data: DataConfig) -> dict[Split, list[Entry]]:
    """The pictures of each side, each in a shuffled order, numbered from 0.

    Each class is split by itself. Its pictures stand in an order that follows from their contents and `data.seed`
    alone, and are cut there: first those to validate on, then those to train on, last those to test on. The test
    side gets `data.test_ratio` of them, the training side `data.split_ratio` of the others, rounded to whole pictures;
    at least one to train on, one to validate on and one to test on, in this order, where there are as many. Without
    a `data.test_ratio` the test side is empty; one of 1 takes all, whatever the source says. With `data.folds`, those
    that are not tested on are cut into so many runs, whose lengths differ by one at most, and `data.fold` is the run
    to validate on.

    So a picture stays on its side when files are renamed or moved. Of a class to which k pictures are added, at most
    k others cross each cut. Two sides have one cut, so at most k change their side; a test side and folds bring one
    more each, so with either of them it is at most 2 k, with both 3 k. With a test side alone at most k leave training.

    Files of the same content count as one picture and stay together; where there are some, the numbers of files are
    only nearly in the ratio. A file that is empty or cannot be read goes by its path. A picture whose `split` is set
    stays on that side, and what is free is not put on a side that the source itself fills.

    contents: of all pictures, by path.
    Raises UserError where a side or folds are to be cut, and the source has a split of its own; and where a class has
    fewer pictures than folds.
    """
    if data.test_ratio == 1:
        listing = replace(listing, pictures=[replace(picture, split="test") for picture in listing.pictures])
    identities = {picture.path: _identity(picture.path, contents[picture.path]) for picture in listing.pictures}
    given = {picture.split for picture in listing.pictures}
    _check_own_split(listing.root, given, data)
    free: defaultdict[int, set[str]] = defaultdict(set)
    for picture in listing.pictures:
        if picture.split is None:
            free[picture.label].add(identities[picture.path])
    sides: dict[tuple[int, str], Split] = {}
    for label, pictures in free.items():
        ordered = sorted(pictures, key=lambda identity: _rank(f"split {data.seed}", identity))
        start, end, tested = _cuts(len(ordered), given, data, listing.classes[label])
        sides |= {(label, identity): "train" for identity in ordered[:tested]}
        sides |= {(label, identity): "validation" for identity in ordered[start:end]}
        sides |= {(label, identity): "test" for identity in ordered[tested:]}
    lists: dict[Split, list[Entry]] = {split: [] for split in SPLITS}
    for picture in sorted(
        listing.pictures, key=lambda each: (_rank(f"order {data.seed}", identities[each.path]), each.path)
    ):
        entries = lists[picture.split or sides[picture.label, identities[picture.path]]]
        entries.append(Entry(len(entries), picture.label, picture.path))
    return lists


def coarseness(pictures: int) -> str:
    """What figures of so few pictures cannot tell, in words; empty where they are not few."""
    if not 0 < pictures < FEW:
        return ""
    return f"{pictures} picture{'s' * (pictures != 1)}: accuracy can only be a multiple of {100 / pictures:.0f} %"


def _identity(path: str, content: Content) -> str:
    readable = content.size and not content.sha256.startswith(UNREADABLE)
    return f"content {content.sha256}" if readable else f"path {path}"


def _rank(purpose: str, identity: str) -> bytes:
    """A picture's place in an order: as good as drawn by chance, and its own whatever other pictures there are."""
    return hashlib.sha256(f"{purpose} {identity}".encode(errors="surrogateescape")).digest()


def _check_own_split(root: Path, given: Set[Split | None], data: DataConfig) -> None:
    if 0 < data.test_ratio < 1 and given - {None}:
        setting, other = f"data.test_ratio={data.test_ratio}", "0"
    elif data.folds and "validation" in given:
        setting, other = f"data.folds={data.folds}", "null"
    else:
        return
    raise UserError(f"{setting}: {root} has a split of its own, which stays as it is: set it to {other}")


def _cuts(count: int, given: Set[Split | None], data: DataConfig, name: str) -> tuple[int, int, int]:
    """Among `count` pictures in order, where those to validate on start and end, and where those to test on start."""
    tested = 0
    if data.test_ratio:
        tested = min(max(1, round(count * data.test_ratio)), max(0, count - 2))
    others = count - tested
    if "validation" in given:
        return 0, 0, others
    if data.folds is None:
        return 0, others - max(1, min(round(others * data.split_ratio), others - 1)), others
    if others < data.folds:
        raise UserError(f"data.folds={data.folds}: class {name} has {others:,} different pictures, too few for so many")
    return others * data.fold // data.folds, others * (data.fold + 1) // data.folds, others
