"""What a sweep would do, told without doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps.places import places
from catdog_exp.sweeps.planning import absent_pictures, plan
from catdog_exp.sweeps.table import plan_table
from catdog_exp.tracking.run_lookup import RESUMING, STATES, earlier_runs


def planned_jobs(
    common: RunConfig, wanted: Sequence[tuple[list[str], dict[str, Any]]], where: str, settings: Mapping[str, Any]
) -> str:
    """What a dry run shows: each job with its state, as `if_exists` and `train.resume` take it.

    It needs no cluster, and makes nothing. wanted: the jobs' words and configs.
    """
    if absent := absent_pictures(wanted):
        return f"pictures: {absent}; all else follows from them"
    jobs = plan(wanted)
    hardware = [read(RunConfig, each).hardware for _, each in wanted]
    shown = {"slurm": "basic", "ray": "basic", "local_processes": "local"}.get(where, where)
    at_once = min(places(shown, settings, common.sweep.jobs, hardware).at_once(), len(jobs))
    others = earlier_runs(common.tracking)  # what they took tells how long these will
    order = RESUMING if common.if_exists == "resume" else STATES
    earlier = others | earlier_runs(common.tracking, [job.fingerprint for job in jobs], order)
    told = {"running": "running"}
    if common.if_exists in ("reuse", "skip"):
        told["finished"] = "finished"
    if common.if_exists != "new" and common.train.resume:
        told["unfinished"] = "resumable"
    states = {fingerprint: told[run.state] for fingerprint, run in earlier.items() if run.state in told}
    for job in jobs:  # trained, but another stage of it is missing
        if states.get(job.fingerprint) == "finished" and not job.is_done(earlier[job.fingerprint].done):
            states[job.fingerprint] = "resumable"
    seconds = {fingerprint: run.seconds for fingerprint, run in earlier.items() if run.state == "finished"}
    return plan_table(jobs, states, seconds, at_once)
