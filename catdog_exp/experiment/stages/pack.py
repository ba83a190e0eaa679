"""The stage `pack`: record files of the source's pictures."""

from __future__ import annotations

import json
import logging
import shutil
from typing import TYPE_CHECKING

from catdog_exp.experiment.same_pictures import PICTURES, write_pictures
from catdog_exp.experiment.work import Work
from catdog_exp.packs.split import coarseness
from catdog_exp.packs.store import find_pack, open_pack

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.packs.store import Pack
    from catdog_exp.sources.source import Split
    from catdog_exp.tracking.run_log import Context

CORRECTIONS = "corrections.csv"  # the labels that people have corrected, as they were for this run

log = logging.getLogger(__name__)

CONTEXTS: dict[Split, Context] = {"train": "training", "validation": "validation", "test": "testing"}


def opened_pack(work: Work) -> Pack:
    """The run's pack. What a stage makes is made by that stage alone: without `pack` it is the one that is there."""
    if work.pack.listing.note:
        log.info("pictures: %s", work.pack.listing.note)
    pack = open_pack(work.pack) if "pack" in work.config.stages else find_pack(work.pack)
    for split in work.pack.sides:
        if split != "train" and (few := coarseness(sum(pack.counts[split].values()))):
            log.warning("the %s side has %s", split, few)
        name, root = work.pack.listing.root.name, str(work.pack.listing.root)
        work.tracker.dataset(name, work.pack.side_digest(split), root, CONTEXTS[split], pack.counts[split])
    return pack


def log_pack(work: Work, pack: Pack) -> None:
    """Log what is in the pack."""
    classes = work.folder / "classes.json"
    classes.write_text(json.dumps({name: label for label, name in enumerate(pack.classes)}))
    write_pictures(work.pack, work.folder / PICTURES)
    if work.config.data.corrections is not None:
        shutil.copyfile(work.config.data.corrections, work.folder / CORRECTIONS)
        work.tracker.artifact(work.folder / CORRECTIONS, "pack")
    for file in (pack.folder / "manifest.json", pack.folder / "rejected.csv", classes, work.folder / PICTURES):
        work.tracker.artifact(file, "pack")
    if pack.images_per_second is not None:
        work.figures["pack/images_per_second"] = pack.images_per_second


def decoded(work: Work, pack: Pack, split: Split) -> DecodedPictures:
    """The pictures of one side of the pack."""
    from catdog_exp.data.decoded_cache import decoded_side

    return decoded_side(pack, split, work.config.data.resize, work.threads)
