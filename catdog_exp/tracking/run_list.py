"""An experiment's runs as people look at them, and the end of those that died without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catdog_exp.tracking.best_run import OBJECTIVE
from catdog_exp.tracking.heartbeat import HOST, PID, is_stale, last_sign, seconds_worked
from catdog_exp.tracking.run_log import PARENT, PRUNED, SWEEP
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True)
class ListedRun:
    """A run in a list.

    name: MLflow's; of a sweep's parent run with the sweep's overrides. status: MLflow's in lower case, or
    `pruned`, or `stale`: RUNNING at MLflow, dead in fact. objective: None where there is none. started,
    last_sign: seconds since the epoch. seconds: that were worked on it. parent: id of the run it stands under.
    host, pid: where it runs or ran last.
    """

    run_id: str
    name: str
    status: str
    objective: float | None
    started: float
    last_sign: float
    seconds: float
    parent: str | None
    host: str
    pid: str


def listed_runs(store: Store, limit: int) -> list[ListedRun]:
    """The experiment's newest runs, the newest first. Raises UserError when the store fails."""
    return [_listed(run) for run in store.runs(limit=limit)]


def close_stale(store: Store) -> list[ListedRun]:
    """End the experiment's stale runs as KILLED, at the time of their last sign of life.

    Returns them as they were. Raises UserError when the store fails.
    """
    closed = []
    for listed in list(store.runs("attributes.status = 'RUNNING'")):
        if is_stale(listed.info.status, listed.data.tags):
            with plain_errors(store.shown):
                run = store.client.get_run(listed.info.run_id)  # which another process may go on with by now
                if is_stale(run.info.status, run.data.tags):
                    store.client.set_terminated(run.info.run_id, "KILLED", int(last_sign(run) * 1000))
                    closed.append(_listed(run))
    return closed


def _listed(run: Run) -> ListedRun:
    info, tags = run.info, run.data.tags
    name = info.run_name or info.run_id
    return ListedRun(
        run_id=str(info.run_id),
        name=f"{name}: {tags[SWEEP]}" if SWEEP in tags else name,
        status=_status(run),
        objective=run.data.metrics.get(OBJECTIVE),
        started=float(info.start_time) / 1000,
        last_sign=last_sign(run),
        seconds=seconds_worked(run),
        parent=tags.get(PARENT),
        host=tags.get(HOST, ""),
        pid=tags.get(PID, ""),
    )


def _status(run: Run) -> str:
    if is_stale(run.info.status, run.data.tags):
        return "stale"
    pruned = run.info.status == "KILLED" and PRUNED in run.data.tags
    return "pruned" if pruned else str(run.info.status).lower()
