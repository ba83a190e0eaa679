"""The one run at the tracking server under which a sweep's runs stand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from catdog_exp.schema import TrackingConfig
from catdog_exp.tracking.run import finish_children, start_run
from catdog_exp.tracking.uris import without_password

PARENT = "CATDOG_PARENT_RUN"  # conf/tracking/mlflow.yaml reads it in each job


@contextmanager
def parent_run(tracking: TrackingConfig, overrides: Sequence[str]) -> Iterator[None]:
    """Holds a sweep's parent run open. Its jobs find it by an environment variable and nest under it."""
    # Bars of jobs side by side would overwrite each other; their log lines stay.
    os.environ.setdefault("TQDM_DISABLE", "1")
    words = without_password(" ".join(overrides))
    with start_run(tracking, name="sweep", tags={"sweep": words}) as log:
        if log.run_id is None:
            yield
            return
        os.environ[PARENT] = log.run_id
        try:
            yield
        finally:
            del os.environ[PARENT]
            finish_children(tracking, log.run_id)
