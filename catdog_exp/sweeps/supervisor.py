"""Runs one job of a sweep: finds out whether there is anything to do, and watches over the process that does it."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from catdog_exp.claim import WAITING
from catdog_exp.errors import UserError
from catdog_exp.schema import RunConfig, read
from catdog_exp.sweeps.child import RESULT
from catdog_exp.sweeps.jobs import LOG, OUTCOME, PROGRESS, STOP, Job, Outcome, outcome_from, stopping, sweep_in, write
from catdog_exp.sweeps.slots import slot
from catdog_exp.tracking.earlier import Earlier, earlier_runs, fail_run, run_of_process

LOOK_EVERY = 0.1  # seconds between two looks at a job's process
PATIENCE = 30  # seconds that a process has to end by itself once it is told to
USER_MISTAKE = 2  # exit code


def run_job(sweep: Path, job: Job) -> Outcome:
    """Run the job, as often as `sweep.retries` allows; its outcome is left in its folder too.

    sweep: the sweep's folder.
    """
    folder = sweep / str(job.number)
    folder.mkdir(parents=True, exist_ok=True)
    config = read(RunConfig, job.settings)
    try:
        outcome = _without_running(config, job) or _tried(sweep, folder, config, job)
    except UserError as error:  # of the store
        outcome = Outcome("failed", None, None, "", 0.0, str(error))
    write(folder / OUTCOME, outcome)
    if outcome.status == "failed" and config.sweep.fail_fast:
        (sweep / STOP).write_text(f"job {job.number} has failed, and sweep.fail_fast=true")
    return outcome


def _without_running(config: RunConfig, job: Job) -> Outcome | None:
    """The outcome of a job that needs no process: its run has finished before."""
    if not job.fingerprint or config.if_exists not in ("reuse", "skip"):
        return None
    earlier = earlier_runs(config.tracking, [job.fingerprint]).get(job.fingerprint)
    return _reused(earlier) if earlier is not None and earlier.state == "finished" else None


def _reused(earlier: Earlier) -> Outcome:
    return Outcome("reused", earlier.objective, earlier.run_id, earlier.link, earlier.seconds)


def _tried(sweep: Path, folder: Path, config: RunConfig, job: Job) -> Outcome:
    started = time.monotonic()
    with slot(sweep, sweep_in(sweep).at_once) as place:
        for left in range(config.sweep.retries, -1, -1):
            if (why := stopping(sweep)) is not None:
                outcome = Outcome("stopped", None, None, "", 0.0, f"not begun: {why}")
                break
            (folder / PROGRESS).unlink(missing_ok=True)
            (folder / RESULT).unlink(missing_ok=True)
            outcome, code = _attempt(sweep, folder, config, job, place.environment(config.hardware))
            if outcome.status != "failed" or code == USER_MISTAKE:
                break
            _note(
                folder, f"failed: {outcome.reason}; " + (f"tried again, at most {left} times" if left else "given up")
            )
    return dataclasses.replace(outcome, seconds=time.monotonic() - started)


def _attempt(
    sweep: Path, folder: Path, config: RunConfig, job: Job, environment: dict[str, str]
) -> tuple[Outcome, int]:
    words = [sys.executable, "-m", "catdog_exp.sweeps.child", str(sweep), str(job.number), str(os.getpid())]
    output = folder / LOG
    with output.open("ab") as file:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, **environment, "TQDM_DISABLE": "1"},
            # Ctrl-C in a terminal is the sweep's: it ends its jobs in order.
            start_new_session=True,
        )
    why = _watch(process, sweep, folder, config.sweep.job_minutes)
    outcome = outcome_from(folder / RESULT)
    if why is None and outcome is not None:
        return _with_run(outcome, config, job, process.pid), process.returncode
    if why is not None and why.by_sweep:
        stopped = outcome or Outcome("stopped", None, None, "", 0.0)
        return dataclasses.replace(stopped, reason=why.reason), process.returncode
    reason = why.reason if why is not None else ended_by(process.returncode)
    run_id = _fail(config, job, process.pid, reason, output)
    return Outcome("failed", None, run_id, "", 0.0, reason), process.returncode


@dataclasses.dataclass(frozen=True)
class _Ended:
    """Why a process was told to end. by_sweep: since the whole sweep ends."""

    reason: str
    by_sweep: bool


def _watch(process: subprocess.Popen[bytes], sweep: Path, folder: Path, minutes: float | None) -> _Ended | None:
    """Wait for the process's end; tell it to end where the sweep does, or after so many minutes of its own work."""
    last = time.monotonic()  # when it began, or was last seen waiting for another process
    try:
        while process.poll() is None:
            time.sleep(LOOK_EVERY)
            if (why := stopping(sweep)) is not None:
                _end(process)
                return _Ended(why, by_sweep=True)
            if minutes is not None:
                if (folder / WAITING).exists():
                    last = time.monotonic()
                if time.monotonic() - last > minutes * 60:
                    _end(process)
                    return _Ended(f"it took longer than sweep.job_minutes={minutes:g}", by_sweep=False)
    except BaseException:
        _end(process)
        raise
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ended_by(code: int) -> str:
    """What the exit code of a process that left no outcome says: `it was ended by SIGABRT`."""
    if code >= 0:
        return f"its process ended with exit code {code} and no result; {LOG} in its folder may say why"
    name = signal.Signals(-code).name
    memory = ", as the system does where memory runs out" if -code == signal.SIGKILL else ""
    return f"its process was ended by {name}{memory}"


def _note(folder: Path, text: str) -> None:
    """Add a line to the job's log. Not through logging, whose lines the console shows too."""
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} ERROR {__name__}: {text}\n")


def _with_run(outcome: Outcome, config: RunConfig, job: Job, pid: int) -> Outcome:
    if outcome.run_id is None and outcome.status in ("failed", "pruned", "stopped"):
        return dataclasses.replace(outcome, run_id=run_of_process(config.tracking, job.fingerprint, pid, _host()))
    return outcome


def _fail(config: RunConfig, job: Job, pid: int, reason: str, output: Path) -> str | None:
    """Tell MLflow, where its process could not. Returns the run's id, None where there is none."""
    run_id = run_of_process(config.tracking, job.fingerprint, pid, _host())
    if run_id is not None:
        fail_run(config.tracking, run_id, reason, output)
    return run_id


def _host() -> str:
    return socket.gethostname()
