"""A trained network handed on: a logged model that needs neither MXNet nor this program."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from catdog_exp.errors import UserError
from catdog_exp.experiment.work import Work

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.inference.classifier import Classifier

log = logging.getLogger(__name__)


def log_model(work: Work, network: Classifier, pictures: DecodedPictures, figures: Mapping[str, float]) -> None:
    """Log the run's network as a model. pictures: to check it by. figures: what it was judged to be, by metric.

    That it cannot be written for other programs is a warning.
    """
    from catdog_exp.inference.served_model import CHECKED, save_model

    run_id = work.tracker.run_id
    if run_id is None:
        return
    folder, listing = work.folder / "model", work.pack.listing
    learned_from = f"{listing.note or listing.root}; digest {work.pack.dataset}"
    try:
        save_model(folder, network, pictures.crops(0, CHECKED), run_id, learned_from, figures)
    except UserError as error:
        log.warning("no model is logged for use without MXNet: %s", error)
        return
    name = re.sub(r"[^\w-]+", "-", work.config.chosen.get("model", "network"))  # MLflow takes no dots and slashes
    work.tracker.model(folder, name, network.checkpoint.epoch)
