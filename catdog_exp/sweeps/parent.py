"""The one run at the tracking server under which a sweep's runs stand."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from catdog_exp.schema import TrackingConfig
from catdog_exp.sweeps.seeds import spreads
from catdog_exp.tracking.children import children, finish_children
from catdog_exp.tracking.log import RunLog
from catdog_exp.tracking.run import start_run
from catdog_exp.tracking.uris import without_password

log = logging.getLogger(__name__)

PARENT = "CATDOG_PARENT_RUN"  # conf/tracking/mlflow.yaml reads it in each job


@contextmanager
def parent_run(tracking: TrackingConfig, overrides: Sequence[str], objective: str) -> Iterator[None]:
    """Holds a sweep's parent run open. Its jobs find it by an environment variable and nest under it."""
    # Bars of jobs side by side would overwrite each other; their log lines stay.
    os.environ.setdefault("TQDM_DISABLE", "1")
    words = without_password(" ".join(overrides))
    with start_run(tracking, name="sweep", tags={"sweep": words}) as parent:
        if parent.run_id is None:
            yield
            return
        os.environ[PARENT] = parent.run_id
        try:
            yield
        finally:
            del os.environ[PARENT]
            finish_children(tracking, parent.run_id)
        _log_spreads(tracking, parent, objective)


def _log_spreads(tracking: TrackingConfig, parent: RunLog, objective: str) -> None:
    """Say how much the seed alone matters, where a sweep has tried that."""
    assert parent.run_id is not None
    jobs = [
        (child.params, child.objective)
        for child in children(tracking, parent.run_id)
        if child.status == "FINISHED" and child.objective is not None
    ]
    found = spreads(jobs)
    for spread in found:
        log.info("%s", spread.line(objective))
    if len(found) == 1:
        parent.metrics({"objective/mean": found[0].mean, "objective/deviation": found[0].deviation}, step=0)
