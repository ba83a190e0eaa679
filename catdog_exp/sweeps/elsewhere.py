"""Jobs that a cluster runs, in processes that it starts wherever it likes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.sweeps.attempts import Attempts
from catdog_exp.sweeps.jobs import NODE, Job, Outcome, mark_node, stopping
from catdog_exp.threads import VARIABLE
from catdog_exp.tracking.steering import PAUSE
from catdog_exp.training.config import HardwareConfig

LOOK_EVERY = 0.05  # seconds between two looks at a job's process
LOOK_AGAIN = 1.0  # seconds between two looks whether a sweep is still paused


class Elsewhere:
    """A job that was handed to a cluster: whether it has ended, how (or raises that it was lost), how to end it."""

    def __init__(
        self,
        sweep: Path,
        job: Job,
        done: Callable[[], bool],
        result: Callable[[], Outcome],
        kill: Callable[[], object],
    ) -> None:
        self._mark = sweep / str(job.number) / NODE
        self._mark.unlink(missing_ok=True)
        self._done, self._result, self.kill = done, result, kill
        self._withdrawn: Outcome | None = None

    def poll(self) -> Outcome | None:
        """The outcome, once it has ended."""
        try:
            return self._withdrawn or (self._result() if self._done() else None)
        except Exception as error:  # the node is lost, the time is over
            return Outcome("failed", reason=f"the cluster: {(str(error).strip() or repr(error)).splitlines()[-1]}")

    def has_begun(self) -> bool:
        """Whether it does not wait any more."""
        return self._mark.exists()

    def withdraw(self, why: str) -> None:
        """Let it not begin any more."""
        self._withdrawn = Outcome("stopped", reason=f"not begun: {why}")
        self.kill()


@dataclass(frozen=True)
class Places:
    """at_once: how many there are by now. start: begins a job of a sweep's folder, under a parent run, at one."""

    at_once: Callable[[], int]
    start: Callable[[Path, str | None, Job, HardwareConfig, int], Attempts | Elsewhere]


def attend(sweep: Path, parent_run: str | None, job: Job, cores: str, shared: Mapping[str, str], cwd: Path) -> Outcome:
    """Run a job from its start to its end, in a process that a cluster has started. cores: "" for all."""
    if not sweep.is_dir():
        return Outcome("failed", reason=f"{sweep} is not there; all machines must share this folder")
    while (sweep / PAUSE).exists() and stopping(sweep) is None:
        time.sleep(LOOK_AGAIN)
    if (why := stopping(sweep)) is not None:
        return Outcome("stopped", reason=f"not begun: {why}")
    os.chdir(cwd)
    mark_node(sweep / str(job.number))
    attempts = Attempts(sweep, parent_run, job, shared or ({VARIABLE: cores} if cores else {}))
    try:
        while (outcome := attempts.poll()) is None:
            time.sleep(LOOK_EVERY)
    finally:
        attempts.kill()
    return outcome
