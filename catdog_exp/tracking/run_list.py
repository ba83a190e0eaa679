"""An experiment's runs as people look at them, and the end of those that died without one."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from catdog_exp.errors import UserError
from catdog_exp.tracking.best_run import OBJECTIVE
from catdog_exp.tracking.heartbeat import HOST, PID, is_stale, last_sign, seconds_worked
from catdog_exp.tracking.run_log import PARENT, PRUNED, SWEEP
from catdog_exp.tracking.selecting import LAST, select
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Run

COLUMNS = ("run", "status", "objective", "started", "took", "sweep", "name")  # of a list, unless told otherwise
STARTED = "started"


@dataclass(frozen=True)
class ListedRun:
    """A run in a list.

    name: MLflow's; of a sweep's parent run with the sweep's overrides. status: MLflow's in lower case, or
    `pruned`, or `stale`: RUNNING at MLflow, dead in fact. objective: None where there is none. started,
    last_sign: seconds since the epoch. seconds: that were worked on it. parent: id of the run it stands under.
    host, pid: where it runs or ran last. metrics, params, tags: as MLflow has them.
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
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]

    def value(self, column: str) -> Any:
        """What the run has in a column: one of COLUMNS, a metric, a setting or a tag; None where it has none."""
        own = {
            "run": self.run_id,
            "status": self.status,
            "objective": self.objective,
            STARTED: datetime.fromtimestamp(self.started).astimezone().isoformat(timespec="seconds"),
            "took": round(self.seconds, 1),
            "sweep": self.parent,
            "name": self.name,
        }
        if column in own:
            value = own[column]
        else:
            value = self.metrics.get(column, _plain(self.params.get(column, self.tags.get(column))))
        return None if isinstance(value, float) and not math.isfinite(value) else value


def listed_runs(
    store: Store, limit: int, condition: str = "", sort: str = STARTED, *, ascending: bool = False
) -> list[ListedRun]:
    """The experiment's runs that meet a condition in MLflow's search syntax, sorted by a column.

    limit: how many at most. Those that have nothing in the column come last.

    Raises UserError for a wrong condition or a column that no run has, or when the store fails.
    """
    key = "attributes.start_time" if sort == STARTED else f"metrics.`{sort}`"
    found = [_listed(run) for run in _meeting(store, condition, (f"{key} {'ASC' if ascending else 'DESC'}",), limit)]
    if not found or sort == STARTED or sort in found[0].metrics:
        return found
    # No metric: MLflow would sort numbers by their letters.
    every = [_listed(run) for run in _meeting(store, condition)]
    having = [run for run in every if run.value(sort) is not None]
    if not having:
        raise UserError(f"{no_such_column(every, sort)}; sort by another")
    having.sort(key=lambda run: _place(run.value(sort)), reverse=not ascending)
    return [*having, *(run for run in every if run.value(sort) is None)][:limit]


def no_such_column(runs: list[ListedRun], column: str) -> str:
    """A line about a column in which none of the runs has anything."""
    known = {*COLUMNS, *(key for run in runs for key in (*run.metrics, *run.params, *run.tags))}
    near = difflib.get_close_matches(column, known, n=1)
    return f"{column}: no run here has such a metric, setting or tag" + (f"; did you mean {near[0]}?" if near else "")


def sweep_condition(store: Store, word: str, objective: str, minimize: bool) -> str:
    """The condition that the jobs of a sweep meet. word: as `select` takes it; `last` is the newest sweep.

    Raises UserError where there is no such sweep.
    """
    return f"tags.`{PARENT}` = '{sweep_named(store, word, objective, minimize).info.run_id}'"


def sweep_named(store: Store, word: str, objective: str, minimize: bool) -> Run:
    """The run of a sweep. word: as `select` takes it; `last` is the newest sweep. Raises UserError for no sweep."""
    newest = next(store.runs(f"tags.{SWEEP} LIKE '%'", limit=1), None) if word == LAST else None
    run = newest or select(store, word, objective, minimize)
    if SWEEP not in run.data.tags:
        raise UserError(f"run {run.info.run_id[:8]} ({run.info.run_name}) is no sweep; `catdog sweeps` lists them")
    return run


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


def _meeting(store: Store, condition: str, order: tuple[str, ...] = (), limit: int | None = None) -> Iterator[Run]:
    try:
        yield from store.runs(condition, order, limit)
    except UserError as error:
        if getattr(error.__cause__, "error_code", "") != "INVALID_PARAMETER_VALUE":
            raise
        said = str(error.__cause__).removeprefix("INVALID_PARAMETER_VALUE: ").splitlines()[0]
        raise UserError(
            f"{said}; conditions are written as \"metrics.objective > 0.9 and params.model = 'cnn'\""
        ) from None


def _plain(text: str | None) -> Any:
    """A number that MLflow keeps as text; any other text as it is."""
    for kind in (int, float):
        try:
            number = kind(text or "")
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text


def _place(value: Any) -> tuple[bool, Any]:
    return (isinstance(value, str), value)


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
        metrics=run.data.metrics,
        params=run.data.params,
        tags=tags,
    )


def _status(run: Run) -> str:
    if is_stale(run.info.status, run.data.tags):
        return "stale"
    pruned = run.info.status == "KILLED" and PRUNED in run.data.tags
    return "pruned" if pruned else str(run.info.status).lower()
