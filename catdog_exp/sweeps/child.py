"""One job of a sweep, in a process of its own that was forked for it."""

from __future__ import annotations

import dataclasses
import faulthandler
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.util import get_temp_dir
from pathlib import Path

from catdog_exp.errors import GivenUp, Terminated, exit_code, one_line, terminate
from catdog_exp.experiment import run as experiment
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.naming import job_name
from catdog_exp.experiment.promotion import promote_if_asked
from catdog_exp.experiment.run_lock import Elsewhere
from catdog_exp.reading import read
from catdog_exp.sweeps.jobs import LOG, PROGRESS, RESULT, Job, Outcome, Progress, write
from catdog_exp.sweeps.passwords import restored
from catdog_exp.sweeps.stopping import PATIENCE, SIGNALS

log = logging.getLogger("catdog_exp.job")


def main(job: Job, folder: Path, parent_run: str | None, environment: Mapping[str, str], cwd: Path) -> None:
    """Run the job, leave its outcome in its folder, and end this process.

    folder: the job's own. parent_run: MLflow's id. environment, cwd: this process's variables and working directory.
    """
    os.setsid()  # Ctrl-C in a terminal is the sweep's: it ends its jobs in order
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    tempfile.tempdir = get_temp_dir()  # the sweep's: if that is killed, the next one removes it
    signal.signal(signal.SIGTERM, terminate)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(OSError):  # where memory runs out, it is to be the training and not what watches over it
        Path("/proc/self/oom_score_adj").write_text("500")
    _log_to(folder / LOG)
    outcome, code = _ended(job, folder, parent_run)
    write(folder / RESULT, outcome)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # what is to be done at the fork server's end is not the job's to do


def _end_with_parent() -> None:
    """End in order when the process that watches over this one is gone, by a kill too, and soon."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)


def _ended(job: Job, folder: Path, parent_run: str | None) -> tuple[Outcome, int]:
    """Run the job. Returns how it ended, and the exit code that tells of it."""
    try:
        result = _run(job, folder, parent_run)
    except Elsewhere as where:
        return Outcome("skipped", reason=str(where)), 0
    except GivenUp as given_up:
        return Outcome("pruned", given_up.value, reason=str(given_up)), 0
    except (KeyboardInterrupt, Terminated) as ended:
        return Outcome("stopped", reason="ended from outside"), exit_code(ended)
    except Exception as failure:
        line = one_line(failure)
        log.error("failed: %s", line or repr(failure), exc_info=failure if line is None else None)
        reason = line or f"{type(failure).__name__}: {failure}".splitlines()[0]
        return Outcome("failed", reason=reason), exit_code(failure)
    return Outcome("reused" if result.reused else "finished", result.objective, result.run_id, result.link), 0


def _run(job: Job, folder: Path, parent_run: str | None) -> experiment.Result:
    settings = restored(job.settings)
    config = read(RunConfig, settings)
    if parent_run is not None:
        config = dataclasses.replace(config, tracking=dataclasses.replace(config.tracking, parent_run=parent_run))
    reporter = None
    if job.trial is not None:
        from catdog_exp.sweeps.study import Reporter

        reporter = Reporter(job.trial)
    began = last = time.monotonic()
    far = Progress("starting", 0, config.train.epochs, None, 0.0, None)

    def on_phase(phase: str) -> None:
        nonlocal far, last
        last = time.monotonic()
        far = dataclasses.replace(far, phase=phase, seconds=last - began)
        write(folder / PROGRESS, far)

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
        nonlocal far, last
        now, value = time.monotonic(), metrics[config.objective]
        left = (config.train.epochs - epoch) * (now - last)
        if config.train.max_minutes is not None:
            left = min(left, max(0.0, config.train.max_minutes * 60 - (now - began)))
        far, last = Progress(far.phase, epoch, far.epochs, value, now - began, left), now
        write(folder / PROGRESS, far)
        if reporter is not None and reporter.report(epoch, value):
            raise GivenUp(reporter.why(epoch), value)

    name = job_name(job.differs) or None
    result = experiment.run(config, folder, settings, job.overrides, on_epoch, on_phase, job.inputs, name)
    promote_if_asked(config, result)
    return result


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
