"""A job as Hydra's launchers call it, in whatever process on whatever machine."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.sweeps.jobs import Job, Outcome, freeze, frozen_job, stopping
from catdog_exp.sweeps.passwords import restored
from catdog_exp.sweeps.planning import fingerprint_of, keys
from catdog_exp.sweeps.search import PLAN, take, tell
from catdog_exp.sweeps.supervisor import fail_job, run_job


def sweep_job(sweep: Path, number: int, words: list[str], settings: Callable[[], dict[str, Any]] | None) -> float:
    """Run the job with this number of the sweep in the folder `sweep`. Returns its objective, NaN where it has none.

    A failure is no exception: a launcher would end the whole sweep, and the job's outcome tells all.
    words: overrides it was composed with. settings: gives its config, for a job that was not known beforehand;
    None where all are. Raises UserError where a known one cannot be found.
    """
    if (sweep / PLAN).is_file():
        objective = _searching(sweep, number)
    else:
        try:
            outcome = run_job(sweep, frozen_job(sweep, number))
        except FileNotFoundError:
            if settings is None:
                raise UserError(f"{sweep}: job {number} is not there; all machines must share this folder") from None
            outcome = _late(sweep, Job(number, words, keys(words), restored(settings()), ""))
        objective = outcome.objective
    return math.nan if objective is None else objective


def _searching(sweep: Path, number: int) -> float | None:
    """Run what the search wants next, and tell it what came out. None where it wants nothing more."""
    if stopping(sweep) is not None or (proposal := take(sweep, number)) is None:
        return None
    differs = keys(f"{key}={value}" for key, value in proposal.differs.items())  # a choice is a text to the search
    job = Job(number, proposal.overrides, differs, proposal.settings, "", trial=proposal.trial)
    outcome = _late(sweep, job)
    if outcome.status != "stopped":  # else the same command goes on with the trial
        tell(proposal.trial, outcome.objective, pruned=outcome.status == "pruned")
    return outcome.objective


def _late(sweep: Path, job: Job) -> Outcome:
    """Run a job that is only now known, and has no fingerprint yet."""
    try:
        job = dataclasses.replace(job, fingerprint=fingerprint_of(job.settings, {}))
    except UserError as error:  # a combination that no network or picture allows
        freeze(sweep, [job])
        return fail_job(sweep, job, str(error))
    freeze(sweep, [job])
    return run_job(sweep, job)
