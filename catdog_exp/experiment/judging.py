"""Pictures to judge a network on: never those that it was trained on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from catdog_exp.errors import UserError
from catdog_exp.packs.lst_files import read_list
from catdog_exp.packs.plan import PackPlan

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.packs.store import Pack
    from catdog_exp.sources.source import Split
    from catdog_exp.training.learned import Learned

log = logging.getLogger(__name__)

TRAINED = "the network was trained on"
CHOSEN = "the network's epoch was chosen on"


def digests_of(plan: PackPlan, pack: Pack, split: Split) -> list[str]:
    """The digest of each packed picture of one side, in the order of its records."""
    lists = (read_list(rec.with_suffix(".lst")) for rec in pack.records(split))
    return [plan.contents[entry.path].sha256 for entries in lists for entry in entries]


def without(
    pictures: DecodedPictures, digests: list[str], known: Learned, split: Split, why: str
) -> tuple[DecodedPictures, list[str]]:
    """The pictures that are not `known`, and their digests; how many are left out is logged. why: TRAINED or CHOSEN.

    Raises UserError where none is left.
    """
    places = known.others(digests)
    if len(places) == len(pictures):
        return pictures, digests
    if not len(places):
        raise UserError(
            f"{why} all of the {len(pictures):,} {split} pictures, none is left to judge it on: "
            "take other pictures, or a network that has not seen them"
        )
    out = f"{len(pictures) - len(places):,} of {len(pictures):,}"
    log.info("%s %s pictures are left out: %s them", out, split, why)
    return pictures.take(places), [digests[place] for place in places]


def warn_of_unknown(learned: Learned, whose: str) -> None:
    """Log where it cannot be known what a network, or weights, have been trained on."""
    if not learned.complete:
        log.warning("which pictures %s trained on cannot be known: figures may flatter", whose)
