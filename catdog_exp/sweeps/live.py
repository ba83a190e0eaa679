"""A sweep while it runs: a line of how far it is, and a line in the log for each job that ends."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.background import in_background
from catdog_exp.console import live_line, terminal
from catdog_exp.sweeps.jobs import LOG, OUTCOME, PROGRESS, Job, Outcome, Progress
from catdog_exp.sweeps.words import briefly, clock, described
from catdog_exp.tracking.uris import without_password

if TYPE_CHECKING:
    from rich.live import Live

LOOK_EVERY = 1.0  # seconds
SAY_EVERY = 60.0  # seconds between two lines of the log, where no terminal is
MOST_RUNNING = 8  # jobs that are named in one line

log = logging.getLogger(__name__)


@contextmanager
def live_view(folder: Path, jobs: Callable[[], Sequence[Job]], objective: str) -> Iterator[None]:
    """Watch the sweep in `folder` while the block runs; every job that has ended by then is logged, each once.

    jobs: those known by now; called once a second.
    """
    view = _View(folder, jobs, objective)
    console = terminal()
    with nullcontext() if console is None else live_line(console) as shown:
        try:
            with in_background("live view", partial(_watch, view, shown)):
                yield
        finally:
            view.look()


def _watch(view: _View, shown: Live | None, over: threading.Event) -> None:
    said, said_at = "", time.monotonic()
    while not over.wait(LOOK_EVERY):
        view.look()
        line = view.line()
        if shown is not None:
            from rich.text import Text

            shown.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)
        elif line != said and time.monotonic() - said_at >= SAY_EVERY:
            log.info("%s", line)
            said, said_at = line, time.monotonic()


class _View:
    """What is known of a sweep by its files. An outcome is read once, a progress when its file has changed."""

    def __init__(self, folder: Path, jobs: Callable[[], Sequence[Job]], objective: str) -> None:
        self._folder = folder
        self._known_jobs = jobs
        self._objective = objective
        self._jobs: dict[int, Job] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._running: dict[int, Progress | None] = {}
        self._read: dict[int, tuple[int, int]] = {}  # which file each progress was read from, and of what time

    def look(self) -> None:
        """Read what is new, and log what has ended."""
        self._jobs = {job.number: job for job in self._known_jobs()}
        for number in self._started():
            outcome = self._outcome(number)
            if outcome is not None:
                self._outcomes[number] = outcome
                self._running.pop(number, None)
                log.info("%s", self._ended(self._jobs[number], outcome))
            else:
                self._running[number] = self._progress(number)

    def line(self) -> str:
        """`5 of 12 done, 1 failed, 4 waiting; running: 6 (epoch 4/15, val/accuracy 0.7100, 2 min left)`."""
        done = sum(outcome.has_result for outcome in self._outcomes.values())
        ended = [outcome.status for outcome in self._outcomes.values()]
        waiting = len(self._jobs) - len(self._outcomes) - len(self._running)
        parts = [f"{done} of {len(self._jobs)} done"]
        parts += [f"{ended.count(status)} {status}" for status in ("failed", "skipped", "stopped") if status in ended]
        parts += [f"{waiting} waiting"] * (waiting > 0)
        running = [f"{number} ({self._far(self._running[number])})" for number in sorted(self._running)]
        more = [f"{len(running) - MOST_RUNNING} more"] * (len(running) > MOST_RUNNING)
        return ", ".join(parts) + ("; running: " + ", ".join(running[:MOST_RUNNING] + more) if running else "")

    def _started(self) -> list[int]:
        """The jobs whose folders are there and that are not known to have ended, in order."""
        try:
            with os.scandir(self._folder) as entries:
                numbers = [int(entry.name) for entry in entries if entry.name.isdecimal()]
        except OSError:
            return []
        return sorted(number for number in numbers if number in self._jobs and number not in self._outcomes)

    def _outcome(self, number: int) -> Outcome | None:
        try:
            return Outcome(**json.loads((self._folder / str(number) / OUTCOME).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None  # not there yet, or half-written: the next look will tell

    def _progress(self, number: int) -> Progress | None:
        file = self._folder / str(number) / PROGRESS
        before = self._running.get(number)
        try:
            status = file.stat()
            this = status.st_ino, status.st_mtime_ns
            if before is not None and this == self._read.get(number):
                return before
            progress = Progress(**json.loads(file.read_bytes()))
        except (OSError, ValueError, TypeError):
            return before
        self._read[number] = this
        return progress

    def _far(self, progress: Progress | None) -> str:
        if progress is None:
            return "starting"
        left = "" if progress.seconds_left is None else f", {briefly(progress.seconds_left)} left"
        return f"epoch {progress.epoch}/{progress.epochs}, {self._objective} {progress.value:.4f}{left}"

    def _ended(self, job: Job, outcome: Outcome) -> str:
        who = described(job)
        reason = without_password(outcome.reason)
        value = "no objective" if outcome.objective is None else f"{self._objective} {outcome.objective:.4f}"
        run = "" if outcome.run_id is None else f"run {outcome.run_id[:8]}"
        time_and_run = f"in {clock(outcome.seconds)}" + f", {run}" * bool(run)
        if outcome.status == "finished":
            return f"{who}: {value} {time_and_run}"
        if outcome.status == "reused":
            return f"{who}: finished before{f' as {run}' if run else ''}, {value}"
        if outcome.status == "pruned":
            return f"{who}: given up early at {value} {time_and_run}: {reason}"
        output = self._folder / str(job.number) / LOG
        where = f"; its log: {output}" if outcome.status == "failed" and output.is_file() else ""
        return f"{who}: {outcome.status}: {reason}{where}"
