"""An experiment's sweeps as people look at them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from catdog_exp.tracking.best_run import OBJECTIVE
from catdog_exp.tracking.heartbeat import is_alive, is_stale
from catdog_exp.tracking.run_log import PARENT, SWEEP
from catdog_exp.tracking.steering import WISH
from catdog_exp.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

COLUMNS = ("sweep", "status", "done", "failed", "running", "best", "started", "name")


def listed_sweeps(store: Store, limit: int, minimize: bool) -> Iterator[dict[str, Any]]:
    """The experiment's sweeps, the newest first, each with what it has in COLUMNS, its `words` and its `link`.

    limit: how many at most. minimize: whether less of the objective is better. best: None where there is none.
    Raises UserError when the store fails.
    """
    for sweep in list(store.runs(f"tags.{SWEEP} LIKE '%'", limit=limit)):
        jobs = _Jobs.of(store, sweep, minimize)
        yield {
            "sweep": str(sweep.info.run_id),
            "status": _status(sweep),
            "done": jobs.done,
            "failed": jobs.failed,
            "running": jobs.running,
            "best": jobs.best,
            "started": datetime.fromtimestamp(sweep.info.start_time / 1000).astimezone().isoformat(timespec="seconds"),
            "name": sweep.info.run_name,
            "words": sweep.data.tags[SWEEP],
            "link": store.link(sweep.info.run_id, jobs=True),
        }


@dataclass(frozen=True)
class _Jobs:
    done: int
    failed: int
    running: int
    best: float | None

    @classmethod
    def of(cls, store: Store, sweep: Run, minimize: bool) -> _Jobs:
        """Of a sweep that has ended as it says itself, with the runs of others that it took; else of those under it."""
        said = sweep.data.metrics
        if "jobs/finished" in said and not is_alive(sweep.info.status, sweep.data.tags):
            return cls(int(said["jobs/finished"]), int(said["jobs/failed"]), 0, said.get(OBJECTIVE))
        runs = list(store.runs(f"tags.`{PARENT}` = '{sweep.info.run_id}'"))
        found = [run.data.metrics.get(OBJECTIVE, math.nan) for run in runs if run.info.status == "FINISHED"]
        values = [value for value in found if math.isfinite(value)]
        return cls(
            done=sum(run.info.status == "FINISHED" for run in runs),
            failed=sum(run.info.status == "FAILED" for run in runs),
            running=sum(is_alive(run.info.status, run.data.tags) for run in runs),
            best=(min if minimize else max)(values) if values else None,
        )


def _status(sweep: Run) -> str:
    if is_stale(sweep.info.status, sweep.data.tags):
        return "stale"
    if sweep.info.status == "RUNNING" and sweep.data.tags.get(WISH) == "pause":
        return "paused"
    return str(sweep.info.status).lower()
