"""What a sweep's jobs have reached, compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from catdog_exp.sweeps.jobs import Job, Outcome


def value_of(outcome: Outcome | None) -> float | None:
    """The objective of a job that has a result, None for any other or where it is no number."""
    if outcome is None or not outcome.has_result or outcome.objective is None:
        return None
    return outcome.objective if math.isfinite(outcome.objective) else None


def ranked(jobs: Sequence[Job], outcomes: Mapping[int, Outcome], minimize: bool) -> list[Job]:
    """The jobs that have an objective, the best first; of equally good ones the first.

    A pruned one comes after all others: it was given up, so nothing is left of it to use.
    """

    def order(job: Job) -> tuple[bool, float]:
        value = value_of(outcomes.get(job.number))
        assert value is not None
        return outcomes[job.number].status == "pruned", value if minimize else -value

    return sorted((job for job in jobs if value_of(outcomes.get(job.number)) is not None), key=order)


def best_job(jobs: Sequence[Job], outcomes: Mapping[int, Outcome], minimize: bool) -> Job | None:
    """The job with the best objective among those trained to their end, None where there is none."""
    first = ranked(jobs, outcomes, minimize)[:1]
    return next((job for job in first if outcomes[job.number].status != "pruned"), None)


def differing_keys(jobs: Sequence[Job]) -> list[str]:
    """The keys in which jobs differ, in the order in which they are first met."""
    return list(dict.fromkeys(key for job in jobs for key in job.differs))
