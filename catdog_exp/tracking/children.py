"""The runs under a parent run, as a sweep's are."""

from __future__ import annotations

from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.heartbeat import is_alive
from catdog_exp.tracking.run_log import PARENT
from catdog_exp.tracking.store import open_store
from catdog_exp.tracking.store_errors import plain_errors


def finish_children(config: TrackingConfig, parent_run: str) -> None:
    """End the runs under `parent_run` as KILLED that are open though nobody works on them."""
    if not config.enabled:
        return
    store = open_store(config)
    condition = f"tags.`{PARENT}` = '{parent_run}' and attributes.status = 'RUNNING'"
    for run in list(store.runs(condition)):
        if not is_alive(run.info.status, run.data.tags):
            with plain_errors(store.shown):
                store.client.set_terminated(run.info.run_id, "KILLED")
