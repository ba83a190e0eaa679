"""The beginning of a sweep: all its jobs checked, frozen and shown before the first one starts."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from catdog_exp.app import plain
from catdog_exp.errors import UserError
from catdog_exp.experiment import check
from catdog_exp.schema import RunConfig, read
from catdog_exp.sweeps.freezing import FrozenLoader
from catdog_exp.sweeps.grid import grid_jobs, is_grid
from catdog_exp.sweeps.jobs import freeze
from catdog_exp.sweeps.launchers import prepare
from catdog_exp.sweeps.planning import plan
from catdog_exp.sweeps.slots import jobs_at_once
from catdog_exp.sweeps.table import plan_table
from catdog_exp.sweeps.underway import under_way
from catdog_exp.tracking.earlier import earlier_runs

# What the plan calls the state of an earlier run.
STATES = {"finished": "finished", "running": "running", "unfinished": "resumable"}


def begin(config: DictConfig) -> AbstractContextManager[None]:
    """A sweep with this composed config, to be held open while Hydra runs its jobs.

    Where `sweep.dry_run` says so, it prints the plan and ends the process instead.
    Raises UserError for what is wrong with any job, before anything is made on disk.
    """
    folder = Path(config.hydra.sweep.dir)
    composed = list(grid_jobs(config))
    jobs = plan([(words, plain(job)) for words, job in composed], check)
    # Of the first job: what a sweep varies may be what no run can do without.
    first = read(RunConfig, jobs[0].settings)
    at_once = jobs_at_once(first.sweep.jobs, first.hardware.threads)
    if first.sweep.dry_run and not is_grid(config):
        raise UserError("sweep.dry_run=true: a search chooses its jobs as it goes, none is known before it starts")
    if first.sweep.dry_run:
        others = earlier_runs(first.tracking)  # what they took tells how long these will
        earlier = others | earlier_runs(first.tracking, [job.fingerprint for job in jobs])
        states = {fingerprint: STATES[run.state] for fingerprint, run in earlier.items()}
        seconds = {fingerprint: run.seconds for fingerprint, run in earlier.items() if run.state == "finished"}
        print(plan_table(jobs, states, seconds, at_once))
        sys.exit(0)
    prepare(config.hydra.launcher)
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    if folder.exists():
        raise UserError(f"hydra.sweep.dir={folder}: it is there already, name a new folder")
    folder.mkdir(parents=True)
    hydra.config_loader = FrozenLoader(
        hydra.config_loader.get_search_path(), folder / "conf", {tuple(words): job for words, job in composed}
    )
    if is_grid(config):
        freeze(folder, jobs)
        at_once = min(at_once, len(jobs))
    words = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    words += config.hydra.overrides.task
    return under_way(folder, first, words, at_once)
