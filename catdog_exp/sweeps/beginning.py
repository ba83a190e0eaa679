"""The beginning of a sweep: all its jobs checked, frozen and shown before the first one starts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from catdog_exp.errors import UserError
from catdog_exp.experiment.checks import check
from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps.composed import plain
from catdog_exp.sweeps.grid import grid_jobs, is_grid
from catdog_exp.sweeps.job_process import start_server
from catdog_exp.sweeps.jobs import OUTCOME, Job, Outcome, clear, freeze, write
from catdog_exp.sweeps.launchers import prepare
from catdog_exp.sweeps.passwords import hand_on, hide
from catdog_exp.sweeps.planning import plan
from catdog_exp.sweeps.slots import gpus_for, jobs_at_once
from catdog_exp.sweeps.sweepers import PREFIX, Grid
from catdog_exp.sweeps.table import plan_table
from catdog_exp.sweeps.underway import under_way
from catdog_exp.tracking.run_lookup import RESUMING, STATES, earlier_runs

CLUSTERS = ("SlurmLauncher", "RayLauncher", "RayAWSLauncher")


def begin(config: DictConfig) -> AbstractContextManager[None]:
    """A sweep with this composed config, to be held open while Hydra runs its jobs.

    Where `sweep.dry_run` says so, it prints the plan and ends the process instead.
    Raises UserError for what is wrong with any job, before anything but its pictures is made on disk.
    """
    folder = Path(config.hydra.sweep.dir)
    # It gets ready while the jobs are composed and the store is opened.
    no_jobs = config.sweep.dry_run is True or config.plan is True
    fork_server = None if _is_cluster(config) or no_jobs else start_server()
    composed = [(words, plain(job)) for words, job in grid_jobs(config)]
    # Of the first job: what a sweep varies may be what no run can do without.
    first = read(RunConfig, composed[0][1])
    is_shown = first.sweep.dry_run or first.plan
    if is_shown and not is_grid(config):
        raise UserError("sweep.dry_run=true: a search chooses its jobs as it goes, none is known before it starts")
    if is_shown and (absent := _absent(composed)):
        print(f"pictures: {absent}; all else follows from them")
        sys.exit(0)
    jobs = plan(composed)
    at_once = _at_once(config, [read(RunConfig, job.settings) for job in jobs])
    if is_shown:
        print(_plan(first, jobs, at_once))
        sys.exit(0)
    clear(folder, jobs if is_grid(config) else [])
    hand_on(first.tracking.uri)
    hide(config)
    prepare(config.hydra.launcher)
    done = set()
    if is_grid(config):
        freeze(folder, jobs)
        done = _reuse(folder, first, jobs)
        config.hydra.sweeper._target_ = f"{PREFIX}{Grid.__name__}"
    words = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    words += config.hydra.overrides.task
    sweep = under_way(folder, first, words, at_once, fork_server)
    if len(done) == len(jobs):
        with sweep:
            pass  # no launcher need start its workers
        sys.exit(0)
    return sweep


def _absent(composed: Sequence[tuple[list[str], dict[str, Any]]]) -> str | None:
    """What planning the jobs would have to make available first, in words; None where all pictures are there.

    Raises UserError for what is wrong with a job up to the first whose pictures are not there.
    """
    for _, settings in composed:
        config = read(RunConfig, settings)
        absent = config.data.source.absent()
        if absent is not None and set(config.stages) != {"predict"}:
            check(config)
            return absent
    return None


def _reuse(folder: Path, first: RunConfig, jobs: list[Job]) -> set[int]:
    """Write down the outcomes of jobs whose runs have finished already. Returns their numbers."""
    if first.if_exists not in ("reuse", "skip"):
        return set()
    earlier = earlier_runs(first.tracking, [job.fingerprint for job in jobs if job.fingerprint])
    done = set()
    for job in jobs:
        run = earlier.get(job.fingerprint)
        if run is not None and run.state == "finished" and job.is_done(run.done):
            (folder / str(job.number)).mkdir(exist_ok=True)
            outcome = Outcome("reused", run.objective, run.run_id, run.link, run.seconds)
            write(folder / str(job.number) / OUTCOME, outcome)
            done.add(job.number)
    return done


def _launcher(config: DictConfig) -> str:
    return str(config.hydra.launcher._target_).rpartition(".")[2]


def _is_cluster(config: DictConfig) -> bool:
    """Whether the jobs run on other machines."""
    return _launcher(config) in CLUSTERS


def _at_once(config: DictConfig, configs: list[RunConfig]) -> int | None:
    """How many jobs share this machine; None where the launcher goes by a cluster, which knows better."""
    if _is_cluster(config):
        return None
    if _launcher(config) == "BasicLauncher":
        return 1
    hardware = [config.hardware for config in configs]
    at_once = jobs_at_once(configs[0].sweep.jobs, max((each.threads or 1) for each in hardware))
    if gpus := gpus_for(hardware[0]):
        at_once = min(at_once, len(gpus))
    return min(at_once, len(configs)) if is_grid(config) else at_once


def _plan(first: RunConfig, jobs: list[Job], at_once: int | None) -> str:
    """What a dry run shows: each job with its state, as `if_exists` and `train.resume` take it."""
    others = earlier_runs(first.tracking)  # what they took tells how long these will
    order = RESUMING if first.if_exists == "resume" else STATES
    earlier = others | earlier_runs(first.tracking, [job.fingerprint for job in jobs], order)
    told = {"running": "running"}
    if first.if_exists in ("reuse", "skip"):
        told["finished"] = "finished"
    if first.if_exists != "new" and first.train.resume:
        told["unfinished"] = "resumable"
    states = {fingerprint: told[run.state] for fingerprint, run in earlier.items() if run.state in told}
    for job in jobs:  # trained, but another stage of it is missing
        if states.get(job.fingerprint) == "finished" and not job.is_done(earlier[job.fingerprint].done):
            states[job.fingerprint] = "resumable"
    seconds = {fingerprint: run.seconds for fingerprint, run in earlier.items() if run.state == "finished"}
    return plan_table(jobs, states, seconds, at_once or 1)
