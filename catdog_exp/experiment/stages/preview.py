"""The stage `preview`: sheets to look at before training."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from catdog_exp.experiment.work import Work

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures

log = logging.getLogger(__name__)


def preview(work: Work, pictures: DecodedPictures) -> None:
    """Draw the packed pictures to train on, and what augmentation makes of them."""
    from catdog_exp.plots.sheet import augmented_sheet, preview_sheet

    config, classes = work.config, work.config.data.classes
    packed, augmented = work.folder / "preview.png", work.folder / "preview_augmented.png"
    preview_sheet(pictures, classes, packed)
    augmented_sheet(pictures, classes, config.augment, config.train.seed, augmented)
    for sheet in (packed, augmented):
        work.tracker.artifact(sheet)
        work.tracker.image(sheet, f"pictures/{sheet.stem}", step=0)
    log.info("pictures to look at: %s, %s", packed, augmented.name)
