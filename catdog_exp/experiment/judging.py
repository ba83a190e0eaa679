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


def unlearned(plan: PackPlan, pack: Pack, split: Split, pictures: DecodedPictures, learned: Learned) -> DecodedPictures:
    """Those pictures of one side of a pack that a network was never trained on; how many are left out is logged.

    learned: what the network, or the one that it starts from, was trained on.
    Raises UserError where none is left.
    """
    if not learned.complete:
        log.warning(
            "which pictures the network's first weights were trained on cannot be known: its figures on %s pictures "
            "may flatter",
            split,
        )
    digests = [
        plan.contents[entry.path].sha256 for rec in pack.records(split) for entry in read_list(rec.with_suffix(".lst"))
    ]
    places = learned.others(digests)
    if len(places) == len(pictures):
        return pictures
    if not len(places):
        raise UserError(
            f"the network was trained on all of the {len(pictures):,} {split} pictures, none is left to judge it on: "
            "take other pictures, or a network that has not seen them"
        )
    out = f"{len(pictures) - len(places):,} of {len(pictures):,}"
    log.info("%s %s pictures are left out: the network was trained on them", out, split)
    return pictures.take(places)
