"""Runs that earlier commands have made, or other processes are making, found by what they compute."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from catdog_exp.errors import UserError
from catdog_exp.tracking.best_run import OBJECTIVE
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.done_stages import is_trained, stages_done
from catdog_exp.tracking.ending import end_run
from catdog_exp.tracking.heartbeat import HOST, PID, is_alive, seconds_worked
from catdog_exp.tracking.journal import END, journals
from catdog_exp.tracking.limits import HIDDEN
from catdog_exp.tracking.store import PAGE, Store, existing_store, store_if_there
from catdog_exp.tracking.sync import send_unsent

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)

FINGERPRINT = "fingerprint"  # tag: of all that changes a run's result
SWEEP_FINGERPRINT = f"{HIDDEN}sweep_fingerprint"  # tag of a sweep's parent run: of its jobs
ERROR_BYTES = 1_000_000  # of a dead process's output, its end

State = Literal["finished", "running", "unfinished"]
# Which of several runs of one fingerprint matters, the first first; and which where one is to be gone on with.
STATES: tuple[State, ...] = ("finished", "running", "unfinished")
RESUMING: tuple[State, ...] = ("running", "unfinished", "finished")


@dataclass(frozen=True)
class Earlier:
    """A run that is there already.

    state: finished, its training at least, with a result; running, somewhere, as far as can be known; or unfinished:
    failed, killed, pruned, or RUNNING at MLflow though its process is dead. done: by stage, the identity of what it
    has done. closed: whether it has ended as it should. objective: its best value, None where it has
    none yet. link: how to look at it. seconds: that were worked on it. host, pid: where it runs or ran last,
    "" and 0 where it does not say.
    """

    run_id: str
    state: State
    objective: float | None
    link: str
    seconds: float
    host: str
    pid: int
    done: dict[str, str]
    closed: bool


def earlier_runs(
    config: TrackingConfig, fingerprints: Sequence[str] | None = None, order: Sequence[State] = STATES
) -> dict[str, Earlier]:
    """Of each fingerprint the experiment's run that matters; those that have none are left out.

    fingerprints: None for all those of the newest 1,000 runs. order: which of several runs matters, the first first.

    That is the newest finished one with an objective, else a running one, else the newest unfinished one.
    One question to the store, for the 1,000 newest runs; only in an experiment that has more, one for each
    fingerprint that is not among them. Nothing is made there.

    Raises UserError when the store fails.
    """
    store = store_if_there(config)
    wanted = None if fingerprints is None else set(fingerprints)
    if store is None or wanted == set():
        return {}
    found: dict[str, Earlier] = {}
    for run in _with_fingerprint(store, wanted):  # newest first
        earlier = _earlier(store, run)
        if earlier is None:
            continue
        known = found.setdefault(run.data.tags[FINGERPRINT], earlier)
        if order.index(earlier.state) < order.index(known.state):
            found[run.data.tags[FINGERPRINT]] = earlier
    return found


def find_parent(config: TrackingConfig, sweep: str) -> str | None:
    """The id of the newest parent run of the sweep with the fingerprint `sweep`, None where there is none.

    Raises UserError when the store fails.
    """
    store = store_if_there(config)
    if store is None:
        return None
    return _newest(store, f"tags.`{SWEEP_FINGERPRINT}` = '{sweep}'")


def run_of_process(config: TrackingConfig, outputs: Path, fingerprint: str, pid: int, host: str) -> str | None:
    """The id of the run that this process has worked on without finishing it, None where there is none.

    outputs: the folder with its journal, which tells where the process died without a word. fingerprint: the run's, ""
    where it has none. Raises UserError when the store fails.
    """
    for journal in reversed(journals(outputs)):
        with suppress(OSError, ValueError):
            header = journal.header()
            process = (header.presence.get(PID), header.presence.get(HOST))
            if process == (str(pid), host) and header.fingerprint == fingerprint:
                return header.run_id
    store = store_if_there(config)
    if store is None:
        return None
    conditions = [f"tags.`{PID}` = '{pid}'", f"tags.`{HOST}` = '{host}'"]
    if fingerprint:
        conditions += [f"tags.{FINGERPRINT} = '{fingerprint}'", "attributes.status != 'FINISHED'"]
    else:  # an older process's run, of the same number, is not to be met
        conditions.append("attributes.status = 'RUNNING'")
    return _newest(store, " and ".join(conditions))


def close_run(config: TrackingConfig, run_id: str) -> None:
    """End a run that has done all that it was to do, and did not say so: its process died, or a later stage failed."""
    store = existing_store(config)
    end_run(store, run_id, "FINISHED")
    with suppress(Exception):  # there is none where its process died
        store.client.delete_tag(run_id, "error")


def fail_run(config: TrackingConfig, outputs: Path, run_id: str, reason: str, log_file: Path) -> None:
    """End a run whose process died without a word: FAILED, with the tag `error` and what it printed as `error.txt`.

    outputs: the folder with its journal, which is sent first. log_file: the output, of which the last 1 MB is kept.
    That the store fails is a warning.
    """
    report = _end_of(log_file)
    for journal in reversed(journals(outputs)):
        if journal.path.name.startswith(run_id):
            with suppress(FileNotFoundError):  # what was in it is sent
                journal.append(END, {"status": "FAILED", "reason": reason, "report": report})
                for sent in send_unsent(config, outputs):
                    if sent.run_id == run_id and sent.left:
                        log.warning("the end of run %s could not be logged: %s", run_id[:8], sent.left)
                return
    try:
        store = existing_store(config)
    except UserError as error:
        log.warning("the end of run %s could not be logged: %s", run_id[:8], error)
        return
    end_run(store, run_id, "FAILED", reason, report)


def _newest(store: Store, condition: str) -> str | None:
    return next((str(run.info.run_id) for run in store.runs(condition)), None)


def _with_fingerprint(store: Store, wanted: set[str] | None) -> Iterator[Run]:
    """The runs with one of these fingerprints, of each the newest first; some twice."""
    left = wanted or set()
    if wanted is None or len(wanted) > 1:  # MLflow's conditions on tags know neither OR nor IN
        newest = list(store.runs(f"tags.{FINGERPRINT} LIKE '%'", limit=PAGE))
        found = [run for run in newest if wanted is None or run.data.tags[FINGERPRINT] in wanted]
        yield from found
        if wanted is None or len(newest) < PAGE:
            return
        # A thousand runs take as long as some two hundred questions.
        left = wanted - {run.data.tags[FINGERPRINT] for run in found if run.info.status == "FINISHED"}
    for fingerprint in left:
        yield from store.runs(f"tags.{FINGERPRINT} = '{fingerprint}'")


def _earlier(store: Store, run: Run) -> Earlier | None:
    """None for a run that has finished without a result."""
    objective = run.data.metrics.get(OBJECTIVE)
    if objective is not None and not math.isfinite(objective):
        objective = None
    state: State = "running" if is_alive(run.info.status, run.data.tags) else "unfinished"
    closed = run.info.status == "FINISHED"
    if closed and objective is None:
        return None
    if state != "running" and objective is not None and is_trained(run.info.status, run.data.tags):
        state = "finished"
    pid = run.data.tags.get(PID, "")
    return Earlier(
        run_id=str(run.info.run_id),
        state=state,
        objective=objective,
        link=store.link(run.info.run_id),
        seconds=seconds_worked(run),
        host=run.data.tags.get(HOST, ""),
        pid=int(pid) if pid.isdecimal() else 0,
        done=stages_done(run.data.tags),
        closed=closed,
    )


def _end_of(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - ERROR_BYTES))
            return stream.read().decode(errors="replace")
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
