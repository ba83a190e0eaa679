"""The network of a run that has been made, found at MLflow."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.networks.network import Network
from catdog_exp.threads import threads_to_use
from catdog_exp.tracking.best_run import FoundRun, best_run, found_run
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.selecting import run_with_network
from catdog_exp.tracking.store import existing_store
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.objective import is_minimized

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runs:
    """Where runs are logged, and which of them counts as the best.

    objective: the metric that they are compared by. outputs: the folder of all outputs.
    own: the config's family of networks; of those outside this package no other is imported.
    """

    tracking: TrackingConfig
    objective: str
    outputs: Path
    own: type[Network]

    def find(self, word: str) -> FoundRun:
        """The run that `word` names, as `select` has it. Raises UserError when there is none or it has no network."""
        minimize = is_minimized(self.objective)
        return run_with_network(existing_store(self.tracking), word, self.objective, minimize, self._downloads)

    def best(self, dataset: str | None, *, or_last: bool = False) -> FoundRun:
        """The best run of the data set with this digest, else of the one that was trained on last; says which it is.

        or_last: take the data set trained on last, too, where no run was trained on the one that is asked for.
        Raises UserError when there is no such run.
        """
        store = existing_store(self.tracking)
        asked = (store, self.objective, is_minimized(self.objective))
        best = best_run(*asked, dataset)
        why = "the best of this data set"
        if best is None and not or_last:
            raise UserError(
                f"no run of the experiment {store.experiment} was trained on these pictures: train on them, name a run "
                "by its id, or leave the data set out to take the one that was trained on last"
            )
        if best is None or dataset is None:
            best = best or best_run(*asked, None)
            why = "the best of the data set that was trained on last"
        assert best is not None
        better = f"; better, on another data set: run {best.better}" if best.better else ""
        found = found_run(store, best.run, self._downloads)
        log.info("network of run %s, %s%s", found.described, why, better)
        return found

    @property
    def _downloads(self) -> Path:
        return self.outputs / "downloads"


def load_network(run: FoundRun, hardware: HardwareConfig, own: type[Network]) -> Classifier:
    """The network of a run on the device that `hardware` names. own: as `Runs` has it.

    Raises UserError where it cannot be used.
    """
    threads = threads_to_use(hardware.threads)
    return Classifier.load(run.checkpoint, hardware.device, hardware.batch_size, threads, own)
