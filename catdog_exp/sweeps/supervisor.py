"""Runs one job of a sweep: starts the process that does it, and watches over it."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

from catdog_exp.errors import UserError, one_line
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.run_lock import WAITING
from catdog_exp.reading import read
from catdog_exp.sweeps.child import RESULT
from catdog_exp.sweeps.job_process import JobProcess, start_job
from catdog_exp.sweeps.jobs import (
    LOG,
    OUTCOME,
    PROGRESS,
    STOP,
    Job,
    Outcome,
    outcome_from,
    outcome_of,
    stopping,
    sweep_in,
    write,
)
from catdog_exp.sweeps.slots import slot
from catdog_exp.tracking.run_lookup import fail_run, run_of_process

LOOK_EVERY = 0.1  # seconds between two looks at a job's process
PATIENCE = 30  # seconds that a process has to end by itself once it is told to


def run_job(sweep: Path, job: Job) -> Outcome:
    """Run the job, as often as `sweep.retries` allows; its outcome is left in its folder too.

    sweep: the sweep's folder. What goes wrong is in the outcome, and no exception.
    """
    if (known := outcome_of(sweep, job)) is not None and known.has_result:  # it had finished before the sweep began
        return known
    config = read(RunConfig, job.settings)
    outcome = Outcome("failed", None, None, "", 0.0)
    for left in range(config.sweep.retries, -1, -1):
        if (why := stopping(sweep)) is not None:
            return _left(sweep, job, outcome if outcome.reason else _not_begun(why))
        try:
            outcome = _tried(sweep, config, job)
        except Exception as error:  # the store fails, the disk is full, no process can be started
            outcome = dataclasses.replace(outcome, reason=one_line(error) or f"{type(error).__name__}: {error}")
        if outcome.status != "failed":
            break
        _note(
            sweep, job, f"failed: {outcome.reason}; " + (f"tried again, at most {left} times" if left else "given up")
        )
    _left(sweep, job, outcome)
    if outcome.status == "failed" and config.sweep.fail_fast:
        (sweep / STOP).write_text(f"job {job.number} has failed, and sweep.fail_fast=true")
    return outcome


def fail_job(sweep: Path, job: Job, reason: str) -> Outcome:
    """Leave word that the job cannot be run."""
    _note(sweep, job, f"failed: {reason}")
    return _left(sweep, job, Outcome("failed", None, None, "", 0.0, reason))


def _not_begun(why: str) -> Outcome:
    return Outcome("stopped", None, None, "", 0.0, f"not begun: {why}")


def _left(sweep: Path, job: Job, outcome: Outcome) -> Outcome:
    folder = sweep / str(job.number)
    with suppress(OSError, UserError):  # on a full disk the table says `waiting`
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / OUTCOME, outcome)
    return outcome


def _tried(sweep: Path, config: RunConfig, job: Job) -> Outcome:
    folder = sweep / str(job.number)
    folder.mkdir(parents=True, exist_ok=True)
    with slot(sweep, sweep_in(sweep).at_once) as place:
        if (why := stopping(sweep)) is not None:
            return _not_begun(why)
        for name in (PROGRESS, RESULT, WAITING):
            (folder / name).unlink(missing_ok=True)
        started = time.monotonic()
        outcome = _attempt(sweep, folder, config, job, place.environment(config.hardware))
    return dataclasses.replace(outcome, seconds=time.monotonic() - started)


def _attempt(sweep: Path, folder: Path, config: RunConfig, job: Job, environment: dict[str, str]) -> Outcome:
    process = start_job(sweep, job.number, {**os.environ, **environment})
    why = _watch(process, sweep, folder, config.sweep.job_minutes)
    outcome = outcome_from(folder / RESULT)
    if outcome is None and why is not None and why.by_sweep:
        outcome = Outcome("stopped", None, None, "", 0.0)
    if outcome is not None and (why is None or why.by_sweep):
        if outcome.status == "stopped" and why is not None:
            outcome = dataclasses.replace(outcome, reason=why.reason)
        return _with_run(outcome, config, job, process.pid)
    reason = why.reason if why is not None else ended_by(process.code)
    run_id = run_of_process(config.tracking, job.fingerprint, process.pid, socket.gethostname())
    if run_id is not None:
        fail_run(config.tracking, run_id, reason, folder / LOG)
    return Outcome("failed", None, run_id, "", 0.0, reason)


@dataclasses.dataclass(frozen=True)
class _Ended:
    """Why a process was told to end. by_sweep: since the whole sweep ends."""

    reason: str
    by_sweep: bool


def _watch(process: JobProcess, sweep: Path, folder: Path, minutes: float | None) -> _Ended | None:
    """Wait for the process's end; tell it to end where the sweep does, or after so many minutes of its own work."""
    last = time.monotonic()  # when it began, or was last seen waiting for another process
    try:
        while not process.ended(LOOK_EVERY):
            if (why := stopping(sweep)) is not None:
                process.end(PATIENCE)
                return _Ended(why, by_sweep=True)
            if minutes is not None:
                if (folder / WAITING).exists():
                    last = time.monotonic()
                if time.monotonic() - last > minutes * 60:
                    process.end(PATIENCE)
                    return _Ended(f"it took longer than sweep.job_minutes={minutes:g}", by_sweep=False)
    except BaseException:
        process.end(PATIENCE)
        raise
    return None


def ended_by(code: int) -> str:
    """What the exit code of a process that left no outcome says: `it was ended by SIGABRT`."""
    if code >= 0:
        return f"its process ended with exit code {code} and no result; {LOG} in its folder may say why"
    name = signal.Signals(-code).name
    memory = ", as the system does where memory runs out" if -code == signal.SIGKILL else ""
    return f"its process was ended by {name}{memory}"


def _note(sweep: Path, job: Job, text: str) -> None:
    """Add a line to the job's log. Not through logging, whose lines the console shows too."""
    with suppress(OSError), (sweep / str(job.number) / LOG).open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} ERROR {__name__}: {text}\n")


def _with_run(outcome: Outcome, config: RunConfig, job: Job, pid: int) -> Outcome:
    """The outcome with its MLflow run, which a process that was ended could not name."""
    if outcome.run_id is not None or outcome.status not in ("failed", "pruned", "stopped"):
        return outcome
    run_id = run_of_process(config.tracking, job.fingerprint, pid, socket.gethostname())
    return dataclasses.replace(outcome, run_id=run_id)
