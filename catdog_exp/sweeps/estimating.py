"""How long the jobs of a sweep will take, judging by runs that have finished."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Collection, Mapping, Sequence

from catdog_exp.sweeps.jobs import Job
from catdog_exp.sweeps.seeds import REPEATS
from catdog_exp.sweeps.words import exact


def estimate(jobs: Sequence[Job], seconds: Mapping[str, float], at_once: int, to_run: Collection[int]) -> float | None:
    """The seconds until the last job has ended, each taken to need the median of the runs most like it.

    seconds: by fingerprint, what finished runs took. to_run: numbers of the jobs to count. Runs that share all that
    differs but the seed count first, else all do. None where `seconds` has nothing to judge by.
    """
    if not to_run:
        return 0.0
    if not seconds:
        return None
    # Each job goes to the place that is free first, as launchers do.
    ends = [0.0] * max(1, at_once)
    for number, runs in judged_by(jobs, seconds).items():
        if number in to_run:
            heapq.heapreplace(ends, ends[0] + statistics.median(seconds[run] for run in runs))
    return max(ends)


def judged_by(jobs: Sequence[Job], seconds: Mapping[str, float]) -> dict[int, list[str]]:
    """For each job's number, in order, the fingerprints of the finished runs that are most like it."""
    by_kind: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for fingerprint, job in {job.fingerprint: job for job in jobs}.items():
        if fingerprint in seconds:
            by_kind.setdefault(_kind(job), []).append(fingerprint)
    everything = list(seconds)
    return {job.number: by_kind.get(_kind(job), everything) for job in jobs}


def _kind(job: Job) -> tuple[tuple[str, str], ...]:
    return tuple((key, exact(value)) for key, value in sorted(job.differs.items()) if key not in REPEATS)
