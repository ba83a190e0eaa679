"""Which picture is on which side, in which order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Set

from catdog_exp.errors import UserError
from catdog_exp.images.content_hashes import UNREADABLE, Content
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.lst_files import Entry
from catdog_exp.sources.source import SPLITS, Listing, Split


def split_listing(listing: Listing, contents: Mapping[str, Content], data: DataConfig) -> dict[Split, list[Entry]]:
    """The pictures of each side, each in a shuffled order, numbered from 0.

    Each class is split by itself. Its pictures stand in an order that follows from their contents and `data.seed`
    alone, and are cut there: first those to validate on, then those to train on, last those to test on. The test
    side gets `data.test_ratio` of them, the training side `data.split_ratio` of the others, rounded to whole pictures;
    at least one to train on, one to validate on and one to test on, in this order, where there are as many. Without
    a `data.test_ratio` the test side is empty.

    So a picture stays on its side when files are renamed or moved. Of a class to which k pictures are added, at most
    k others change their side; with a test side at most 2 k, of which at most k leave training.

    Files of the same content count as one picture and stay together; where there are some, the numbers of files are
    only nearly in the ratio. A file that is empty or cannot be read goes by its path. A picture whose `split` is set
    stays on that side, and what is free is not put on a side that the source itself fills.

    contents: of all pictures, by path.
    Raises UserError where a test side is to be cut, and the source has a split of its own.
    """
    identities = {picture.path: _identity(picture.path, contents[picture.path]) for picture in listing.pictures}
    given = {picture.split for picture in listing.pictures}
    if data.test_ratio and given - {None}:
        raise UserError(
            f"data.test_ratio={data.test_ratio}: {listing.root} has a split of its own, which stays as it is: "
            "set it to 0, or data.root to the folder of one side"
        )
    free: defaultdict[int, set[str]] = defaultdict(set)
    for picture in listing.pictures:
        if picture.split is None:
            free[picture.label].add(identities[picture.path])
    sides: dict[tuple[int, str], Split] = {}
    for label, pictures in free.items():
        ordered = sorted(pictures, key=lambda identity: _rank(f"split {data.seed}", identity))
        validated, tested = _cuts(len(ordered), given, data)
        sides |= {(label, identity): "validation" for identity in ordered[:validated]}
        sides |= {(label, identity): "train" for identity in ordered[validated:tested]}
        sides |= {(label, identity): "test" for identity in ordered[tested:]}
    lists: dict[Split, list[Entry]] = {split: [] for split in SPLITS}
    for picture in sorted(
        listing.pictures, key=lambda each: (_rank(f"order {data.seed}", identities[each.path]), each.path)
    ):
        entries = lists[picture.split or sides[picture.label, identities[picture.path]]]
        entries.append(Entry(len(entries), picture.label, picture.path))
    return lists


def _identity(path: str, content: Content) -> str:
    readable = content.size and not content.sha256.startswith(UNREADABLE)
    return f"content {content.sha256}" if readable else f"path {path}"


def _rank(purpose: str, identity: str) -> bytes:
    """A picture's place in an order: as good as drawn by chance, and its own whatever other pictures there are."""
    return hashlib.sha256(f"{purpose} {identity}".encode(errors="surrogateescape")).digest()


def _cuts(count: int, given: Set[Split | None], data: DataConfig) -> tuple[int, int]:
    """Where those to train on start and end among `count` pictures."""
    tested = 0
    if data.test_ratio:
        tested = min(max(1, round(count * data.test_ratio)), max(0, count - 2))
    others = count - tested
    trained = max(1, min(round(others * data.split_ratio), others - 1))
    return (0 if "validation" in given else others - trained), others
