"""One job of a sweep, in a process of its own that was forked for it."""

from __future__ import annotations

import ctypes
import dataclasses
import faulthandler
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from catdog_exp.errors import GivenUp, Terminated, exit_code, one_line, terminate
from catdog_exp.experiment import run as experiment
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.run_lock import Elsewhere
from catdog_exp.reading import read
from catdog_exp.sweeps.jobs import LOG, PROGRESS, Job, Outcome, Progress, Status, frozen_job, sweep_in, write
from catdog_exp.sweeps.stopping import hear_signals

RESULT = "result.json"  # in the job's folder: the outcome, as far as this process can tell
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of linux/prctl.h
log = logging.getLogger("catdog_exp.job")


def main(sweep: Path, number: int, parent: int) -> int:
    """Run the job with this number of a sweep, and leave its outcome in its folder. Returns an exit code.

    parent: the process that forked this one, which does not outlive it.
    """
    folder = sweep / str(number)
    signal.signal(signal.SIGTERM, terminate)
    hear_signals()
    _end_with(parent)
    with suppress(OSError):  # where memory runs out, it is to be the training and not what watches over it
        Path("/proc/self/oom_score_adj").write_text("500")
    _log_to(folder / LOG)
    outcome, code = _ended(frozen_job(sweep, number), folder, sweep_in(sweep).parent_run)
    write(folder / RESULT, outcome)
    return code


def _ended(job: Job, folder: Path, parent_run: str | None) -> tuple[Outcome, int]:
    """Run the job. Returns how it ended, and the exit code that tells of it."""
    started = time.monotonic()

    def outcome(
        status: Status, reason: str = "", objective: float | None = None, run_id: str | None = None, link: str = ""
    ) -> Outcome:
        return Outcome(status, objective, run_id, link, time.monotonic() - started, reason)

    try:
        result = _run(job, folder, parent_run)
    except Elsewhere as where:
        return outcome("skipped", str(where)), 0
    except GivenUp as given_up:
        return outcome("pruned", str(given_up), given_up.value), 0
    except (KeyboardInterrupt, Terminated) as ended:
        return outcome("stopped", "ended from outside"), exit_code(ended)
    except Exception as failure:
        line = one_line(failure)
        log.error("failed: %s", line or repr(failure), exc_info=failure if line is None else None)
        return outcome("failed", line or f"{type(failure).__name__}: {failure}".splitlines()[0]), exit_code(failure)
    status: Status = "reused" if result.reused else "finished"
    return outcome(status, "", result.objective, result.run_id, result.link), 0


def _run(job: Job, folder: Path, parent_run: str | None) -> experiment.Result:
    config = read(RunConfig, job.settings)
    if parent_run is not None:
        config = dataclasses.replace(config, tracking=dataclasses.replace(config.tracking, parent_run=parent_run))
    epochs, started = config.train.epochs, time.monotonic()
    last: float | None = None

    reporter = None
    if job.trial is not None:
        from catdog_exp.sweeps.pruning import Reporter

        reporter = Reporter(Path(job.trial.storage), job.trial.study, job.trial.number)

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        left = None if last is None else (epochs - epoch) * (now - last)
        if left is not None and config.train.max_minutes is not None:
            left = min(left, max(0.0, config.train.max_minutes * 60 - (now - started)))
        last = now
        value = metrics[config.objective]
        write(folder / PROGRESS, Progress(epoch, epochs, value, now - started, left))
        if reporter is not None and reporter.report(epoch, value):
            raise GivenUp(f"worse after epoch {epoch} than half of the others were", value)

    return experiment.run(config, folder, job.settings, job.overrides, on_epoch, job.inputs)


def _end_with(parent: int) -> None:
    """Let the system send this process SIGTERM when its parent is gone, by a kill too."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
    if os.getppid() != parent:  # it was quicker
        raise SystemExit(1)


def _log_to(file: Path) -> None:
    """Write there all that this process has to say."""
    with file.open("ab") as output:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
    faulthandler.enable()
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("catdog_exp").setLevel(logging.INFO)
