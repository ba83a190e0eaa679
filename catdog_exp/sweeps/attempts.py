"""A job on this machine: a process of its own for each attempt at it, which is watched over."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import shutil
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from multiprocessing.util import get_temp_dir
from pathlib import Path

from catdog_exp.errors import UserError, one_line
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.run_lock import WAITING
from catdog_exp.reading import read
from catdog_exp.sweeps.jobs import LOG, PROGRESS, RESULT, Job, Outcome, outcome_from, stopping
from catdog_exp.sweeps.passwords import restored
from catdog_exp.sweeps.stopping import PATIENCE, SIGNALS
from catdog_exp.threads import VARIABLE
from catdog_exp.tracking.run_lookup import fail_run, run_of_process

MARK = "catdog"  # the file in a temporary folder of multiprocessing's that has the number of its process
ENDED_BY = "its process was ended by"
LONGEST = 107 - len("/listener-12345678")  # bytes of a folder whose sockets multiprocessing names: as Linux has it
LOST = 255  # exit code that multiprocessing tells where the fork server was killed


def start_server() -> None:
    """Start the process that forks those of jobs, where it does not run; it ends when this one does.

    It gets ready meanwhile, and has the signals blocked that are the sweep's to hear, as have its forks at first.
    Raises UserError where the system's temporary folder has too long a path for its socket.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(["catdog_exp.sweeps.ready"])
    resource_tracker.ensure_running()  # it would unblock them
    threads = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "1"  # no thread that a fork would lose
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        _mark_temporary_folder()
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        del os.environ[VARIABLE]
        if threads is not None:
            os.environ[VARIABLE] = threads


def _mark_temporary_folder() -> None:
    """Say whose the folder of multiprocessing's sockets is, and remove those of sweeps that were killed."""
    import psutil

    mark = Path(get_temp_dir()) / MARK
    if len(os.fsencode(mark.parent)) > LONGEST:
        raise UserError(f"TMPDIR={mark.parent.parent}: too long a path for a socket in it; name a shorter one")
    # A process of multiprocessing's shares its parent's folder, which outlives it.
    if multiprocessing.parent_process() is None and not mark.exists():
        mark.write_text(str(os.getpid()))
        for other in mark.parent.parent.glob(f"pymp-*/{MARK}"):
            with suppress(OSError, ValueError):
                if not psutil.pid_exists(int(other.read_text())):
                    shutil.rmtree(other.parent)


class Attempts:
    """A job as often as `sweep.retries` allows; the next attempt goes on where the last one was.

    sweep: the folder whose job it is. parent_run: MLflow's id. environment: variables that the job has besides.
    What goes wrong is in the outcome, and no exception.
    """

    def __init__(self, sweep: Path, parent_run: str | None, job: Job, environment: Mapping[str, str]) -> None:
        self._sweep, self._parent_run, self._job, self._environment = sweep, parent_run, job, environment
        self._folder = sweep / str(job.number)
        self._config = read(RunConfig, restored(job.settings))
        self._left = self._config.sweep.retries
        self._process: BaseProcess | None = None

    def poll(self) -> Outcome | None:
        """Start it, or look at it; the outcome, once it has ended."""
        try:
            if self._process is None:
                self._start()
            if self._process is None or self._process.exitcode is None:
                self._watch()
                return None
            outcome = self._ended(self._process)
        except Exception as error:  # the store fails, the disk is full, no process can be started
            outcome = Outcome("failed", reason=one_line(error) or f"its process: {type(error).__name__}: {error}")
        outcome = dataclasses.replace(outcome, seconds=time.monotonic() - self._began)
        self._process = None
        if outcome.status != "failed":
            return outcome
        again = self._left > 0 and stopping(self._sweep) is None
        rest = f"tried again, at most {self._left} times" if again else "given up"
        with suppress(OSError), (self._folder / LOG).open("a", encoding="utf-8") as file:
            # Not through logging, whose lines the console shows too.
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} ERROR {__name__}: failed: {outcome.reason}; {rest}\n")
        self._left -= 1
        return None if again else outcome

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()

    def _start(self) -> None:
        self._began = self._worked = time.monotonic()  # when it was last seen waiting for another process
        self._told: tuple[float, str, bool] | None = None  # to end: when, why, and whether the whole sweep is to
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in (PROGRESS, RESULT, WAITING):
            (self._folder / name).unlink(missing_ok=True)
        start_server()
        # Imported here, the job's module would bring all that it needs into the sweep's process.
        self._process = multiprocessing.get_context("forkserver").Process(
            target=_child,
            args=(self._job, self._folder, self._parent_run, {**os.environ, **self._environment}, Path.cwd()),
        )
        self._process.start()

    def _watch(self) -> None:
        """Tell the process to end where the sweep does, or after `sweep.job_minutes` of its own work."""
        assert self._process is not None
        minutes, now = self._config.sweep.job_minutes, time.monotonic()
        if self._told is not None:
            if now > self._told[0] + PATIENCE:
                self._process.kill()
            return
        if (self._folder / WAITING).exists():
            self._worked = now
        if (why := stopping(self._sweep)) is not None:
            self._told = now, why, True
        elif minutes is not None and now - self._worked > minutes * 60:
            self._told = now, f"it took longer than sweep.job_minutes={minutes:g}", False
        if self._told is not None:
            self._process.terminate()

    def _ended(self, process: BaseProcess) -> Outcome:
        assert process.pid is not None
        outcome, code, told = outcome_from(self._folder / RESULT), process.exitcode or 0, self._told
        if code == LOST:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        is_dead = False  # without a word
        if told is not None and told[2]:
            outcome = outcome or Outcome("stopped")
            outcome = dataclasses.replace(outcome, reason=told[1]) if outcome.status == "stopped" else outcome
        elif outcome is None or told is not None or code == LOST:
            is_dead, outcome = True, Outcome("failed", reason=ended_by(code) if told is None else told[1])
        if outcome.run_id is None and outcome.status in ("failed", "pruned", "stopped"):  # it could not name it
            tracking, outputs = self._config.tracking, Path(self._config.paths.outputs)
            with suppress(UserError):  # that the store is away is no reason to lose the job's own
                run_id = run_of_process(tracking, outputs, self._job.fingerprint, process.pid, socket.gethostname())
                outcome = dataclasses.replace(outcome, run_id=run_id)
                if is_dead and run_id is not None:
                    fail_run(tracking, outputs, run_id, outcome.reason, self._folder / LOG)
        return outcome


def _child(*arguments: object) -> None:
    from catdog_exp.sweeps.child import main

    main(*arguments)  # type: ignore[arg-type]


def ended_by(code: int) -> str:
    """What the exit code of a process that left no outcome says: `it was ended by SIGABRT`."""
    if code == LOST:
        return "the process that forks those of jobs was killed, and this one with it"
    if code >= 0:
        return f"its process ended with exit code {code} and no result; {LOG} in its folder may say why"
    name = signal.Signals(-code).name
    memory = ", as the system does where memory runs out" if -code == signal.SIGKILL else ""
    return f"{ENDED_BY} {name}{memory}"
