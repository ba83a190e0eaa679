"""A sweep while it runs: lines of how far it is, and a line in the log for each job that ends."""

from __future__ import annotations

import json
import logging
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from catdog_exp.console import live_line, terminal
from catdog_exp.experiment.naming import job_name
from catdog_exp.experiment.run_lock import WAITING
from catdog_exp.sweeps.jobs import LOG, NODE, PROGRESS, Job, Outcome, Progress
from catdog_exp.sweeps.words import briefly, clock, described
from catdog_exp.tables import cut
from catdog_exp.tracking.steering import PAUSE
from catdog_exp.tracking.uris import without_password

LOOK_EVERY = 1.0  # seconds
SAY_EVERY = 60.0  # seconds between two lines of the log, where no terminal is
MOST_RUNNING = 8  # jobs that have a line

log = logging.getLogger(__name__)
Show = Callable[[Sequence[Job], Mapping[int, Outcome], Sequence[Job]], None]


@contextmanager
def live_view(folder: Path, objective: str, trials: int | None) -> Iterator[Show]:
    """A function that is to be called again and again with all jobs of the sweep in `folder`, the outcomes and the jobs
    that run. It logs each outcome once, and shows how far the sweep is. trials: how many a search is to have.
    """
    told: set[int] = set()
    said: list[str] = []
    said_at = looked_at = -math.inf
    console = terminal()
    with nullcontext() if console is None else live_line(console) as shown:

        def show(jobs: Sequence[Job], outcomes: Mapping[int, Outcome], running: Sequence[Job]) -> None:
            nonlocal said, said_at, looked_at
            for job in jobs:
                if job.number in outcomes and job.number not in told:
                    told.add(job.number)
                    log.info("%s", ended(folder, job, outcomes[job.number], objective))
            if (not running and not (folder / PAUSE).exists()) or (now := time.monotonic()) - looked_at < LOOK_EVERY:
                return
            looked_at = now
            folders = [folder / str(job.number) for job in running]
            progress = [_progress(each) for each in folders]
            lines = [_whole(jobs, outcomes, progress, trials, (folder / PAUSE).exists())]
            for job, own, each in list(zip(running, folders, progress, strict=True))[:MOST_RUNNING]:
                far = _far(own, each, objective)
                who = f"{job.number} {job_name(job.differs)}".rstrip() + _place(own)
                lines.append(f"{who if console is None else cut(who, max(8, console.width - len(far) - 2))}: {far}")
            lines += [f"{len(running) - MOST_RUNNING} more run"] * (len(running) > MOST_RUNNING)
            if shown is not None:
                from rich.text import Text

                shown.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)
            elif lines != said and now - said_at >= SAY_EVERY:
                log.info("%s", "; ".join(lines))
                said, said_at = lines, now

        yield show


def _whole(
    jobs: Sequence[Job],
    outcomes: Mapping[int, Outcome],
    progress: Sequence[Progress | None],
    trials: int | None,
    is_paused: bool,
) -> str:
    """`5 of 12 done, 1 failed, 4 waiting, about 8 min left`. progress: of each running job."""
    statuses = [outcome.status for outcome in outcomes.values()]
    done = sum(outcome.has_result for outcome in outcomes.values())
    waiting = (trials or len(jobs)) - len(progress) - (done if trials else len(outcomes))
    parts = [f"{done} of {trials} trials" if trials else f"{done} of {len(jobs)} done"]
    parts += [f"{statuses.count(status)} {status}" for status in ("failed", "skipped", "stopped") if status in statuses]
    parts += [f"{waiting} waiting"] * (waiting > 0) + ["paused"] * is_paused
    took = [outcome.seconds for outcome in outcomes.values() if outcome.status in ("finished", "reused")]
    # Before one has ended, those that run tell how long one takes.
    took = took or [each.seconds + each.seconds_left for each in progress if each and each.seconds_left is not None]
    if took and progress:
        usual = statistics.median(took)
        left = [_left(each, usual) for each in progress]
        parts += [f"about {briefly(max((sum(left) + max(0, waiting) * usual) / len(left), *left, 0.0))} left"]
    return ", ".join(parts)


def _left(progress: Progress | None, usual: float) -> float:
    """Seconds until a running job ends. usual: that a job takes."""
    if progress is None:
        return usual
    return max(0.0, usual - progress.seconds) if progress.seconds_left is None else progress.seconds_left


def _place(folder: Path) -> str:
    """On which of a cluster's machines the job in this folder is, "" where that is this one."""
    try:
        return f" @ {(folder / NODE).read_text(encoding='utf-8')}"
    except OSError:
        return ""


def _progress(folder: Path) -> Progress | None:
    """Of the job in this folder; None where it is not there yet."""
    try:
        return Progress(**json.loads((folder / PROGRESS).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _far(folder: Path, progress: Progress | None, objective: str) -> str:
    """`epoch 4/15, val/accuracy 0.7100, 2 min left`, or what it does before and after."""
    if (folder / WAITING).exists():
        return "waiting for the same run elsewhere"
    if progress is None:
        return "starting"
    what = f"epoch {progress.epoch}/{progress.epochs}" if progress.phase == "training" else progress.phase
    value = "" if progress.value is None else f", {objective} {progress.value:.4f}"
    left = "" if not progress.seconds_left else f", {briefly(progress.seconds_left)} left"
    return f"{what}{value}{left}"


def ended(folder: Path, job: Job, outcome: Outcome, objective: str) -> str:
    """How a job of the sweep in `folder` has ended, in one line."""
    who, reason = described(job), without_password(outcome.reason)
    value = "no objective" if outcome.objective is None else f"{objective} {outcome.objective:.4f}"
    run = "" if outcome.run_id is None else f"run {outcome.run_id[:8]}"
    time_and_run = f"in {clock(outcome.seconds)}" + f", {run}" * bool(run)
    if outcome.status == "finished":
        return f"{who}: {value} {time_and_run}"
    if outcome.status == "reused":
        return f"{who}: finished before{f' as {run}' if run else ''}, {value}"
    if outcome.status == "pruned":
        return f"{who}: given up early at {value} {time_and_run}: {reason}"
    output = folder / str(job.number) / LOG
    where = f"; its log: {output}" if outcome.status == "failed" and output.is_file() else ""
    return f"{who}: {outcome.status}: {reason}{where}"
