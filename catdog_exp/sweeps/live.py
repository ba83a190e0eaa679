"""A sweep while it runs: lines of how far it is, and a line in the log for each job that ends."""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from catdog_exp.console import live_line, terminal
from catdog_exp.sweeps.jobs import LOG, PROGRESS, Job, Outcome, Progress
from catdog_exp.sweeps.words import briefly, clock, described
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
    said_at, looked_at = time.monotonic(), 0.0
    console = terminal()
    with nullcontext() if console is None else live_line(console) as shown:

        def show(jobs: Sequence[Job], outcomes: Mapping[int, Outcome], running: Sequence[Job]) -> None:
            nonlocal said, said_at, looked_at
            for job in jobs:
                if job.number in outcomes and job.number not in told:
                    told.add(job.number)
                    log.info("%s", ended(folder, job, outcomes[job.number], objective))
            if (now := time.monotonic()) - looked_at < LOOK_EVERY:
                return
            looked_at = now
            lines = _lines(folder, jobs, outcomes, running, objective, trials)
            if shown is not None:
                from rich.text import Text

                shown.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)
            elif lines != said and now - said_at >= SAY_EVERY:
                log.info("%s", "; ".join(lines))
                said, said_at = lines, now

        yield show


def _lines(
    folder: Path,
    jobs: Sequence[Job],
    outcomes: Mapping[int, Outcome],
    running: Sequence[Job],
    objective: str,
    trials: int | None,
) -> list[str]:
    """`5 of 12 done, 1 failed, 4 waiting, about 8 min left`, and a line for each job that runs, by what it differs in:
    `6 model.layers=3: epoch 4/15, val/accuracy 0.7100, 2 min left`.
    """
    statuses = [outcome.status for outcome in outcomes.values()]
    done = sum(outcome.has_result for outcome in outcomes.values())
    waiting = (trials or len(jobs)) - len(running) - (done if trials else len(outcomes))
    parts = [f"{done} of {trials} trials" if trials else f"{done} of {len(jobs)} done"]
    parts += [f"{statuses.count(status)} {status}" for status in ("failed", "skipped", "stopped") if status in statuses]
    parts += [f"{waiting} waiting"] * (waiting > 0)
    progress = [_progress(folder, job) for job in running]
    took = [outcome.seconds for outcome in outcomes.values() if outcome.status in ("finished", "reused")]
    usual = statistics.median(took) if took else None
    left = [usual if each is None or each.seconds_left is None else each.seconds_left for each in progress]
    if running and (usual is not None or waiting <= 0) and None not in left:
        total = sum(each or 0.0 for each in left) + max(0, waiting) * (usual or 0.0)
        parts += [f"about {briefly(max(total / len(running), *(each or 0.0 for each in left)))} left"]
    lines = [", ".join(parts)]
    for job, each in list(zip(running, progress, strict=True))[:MOST_RUNNING]:
        lines.append(f"{described(job).removeprefix('job ')}: {_far(each, objective)}")
    return lines + [f"{len(running) - MOST_RUNNING} more run"] * (len(running) > MOST_RUNNING)


def _progress(folder: Path, job: Job) -> Progress | None:
    try:
        return Progress(**json.loads((folder / str(job.number) / PROGRESS).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None  # not there yet


def _far(progress: Progress | None, objective: str) -> str:
    if progress is None:
        return "starting"
    left = "" if progress.seconds_left is None else f", {briefly(progress.seconds_left)} left"
    return f"epoch {progress.epoch}/{progress.epochs}, {objective} {progress.value:.4f}{left}"


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
