"""The network of a run that has been made, found at MLflow."""

from __future__ import annotations

import logging
from pathlib import Path

from catdog_exp.inference.classifier import Classifier
from catdog_exp.schema import RunConfig
from catdog_exp.threads import threads_to_use
from catdog_exp.tracking.best import FoundRun, find_run
from catdog_exp.tracking.store import existing_store
from catdog_exp.training.objective import is_minimized

log = logging.getLogger(__name__)


def trained_classifier(config: RunConfig, run_id: str | None) -> Classifier:
    """The network of the run with this id (or its first digits); of the best finished run where it is None.

    Raises UserError when there is no such run or it has no network.
    """
    run = _found(config, run_id)
    log.info("network of run %s", run.described)
    hardware = config.hardware
    threads = threads_to_use(hardware.threads)
    return Classifier.load(run.checkpoint, hardware.device, hardware.batch_size, threads)


def run_checkpoint(config: RunConfig, run_id: str) -> Path:
    """The checkpoint file of the run with this id. Raises UserError when there is no such run or it has none."""
    return _found(config, run_id).checkpoint


def _found(config: RunConfig, run_id: str | None) -> FoundRun:
    store = existing_store(config.tracking)
    downloads = Path(config.paths.outputs) / "downloads"
    return find_run(store, run_id, config.objective, is_minimized(config.objective), downloads)
