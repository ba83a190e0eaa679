"""The runs under a parent run, as a sweep's are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catdog_exp.schema import TrackingConfig
from catdog_exp.tracking.best import OBJECTIVE
from catdog_exp.tracking.ending import Status
from catdog_exp.tracking.log import PARENT
from catdog_exp.tracking.store import open_store, plain_errors


@dataclass(frozen=True)
class Child:
    """A run under another. objective: its best value, None where it has none. params: its flat config, as text."""

    run_id: str
    status: str
    objective: float | None
    params: Mapping[str, str]


def children(config: TrackingConfig, parent_run: str) -> list[Child]:
    """The runs under `parent_run`, the oldest first. Raises UserError when the store fails."""
    runs = open_store(config).runs(f"tags.`{PARENT}` = '{parent_run}'", ("attributes.start_time ASC",))
    return [
        Child(str(run.info.run_id), run.info.status, run.data.metrics.get(OBJECTIVE), run.data.params) for run in runs
    ]


def finish_children(config: TrackingConfig, parent_run: str, status: Status = "KILLED") -> None:
    """End the runs under `parent_run` that are still open, as when a sweep's processes were killed."""
    if not config.enabled:
        return
    store = open_store(config)
    condition = f"tags.`{PARENT}` = '{parent_run}' and attributes.status = 'RUNNING'"
    for run in list(store.runs(condition)):
        with plain_errors(store.shown):
            store.client.set_terminated(run.info.run_id, status)
