"""The network of a run that has been made, found at MLflow."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.inference.classifier import Classifier
from catdog_exp.threads import threads_to_use
from catdog_exp.tracking.best_run import FoundRun, find_run
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.store import existing_store
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.objective import is_minimized

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runs:
    """Where runs are logged, and which of them counts as the best.

    objective: the metric that they are compared by. outputs: the folder of all outputs.
    """

    tracking: TrackingConfig
    objective: str
    outputs: Path

    def find(self, run_id: str | None) -> FoundRun:
        """The run with this id (or its first digits); the best finished one where it is None.

        Raises UserError when there is no such run or it has no network.
        """
        store = existing_store(self.tracking)
        return find_run(store, run_id, self.objective, is_minimized(self.objective), self.outputs / "downloads")


def trained_classifier(runs: Runs, run_id: str | None, hardware: HardwareConfig) -> Classifier:
    """The network of the run that `Runs.find` finds. Raises UserError as that does."""
    run = runs.find(run_id)
    log.info("network of run %s", run.described)
    threads = threads_to_use(hardware.threads)
    return Classifier.load(run.checkpoint, hardware.device, hardware.batch_size, threads)
