"""Where the jobs of a sweep run, and how many at once: on this machine, or handed to a cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.gpus import GPUS, visible_gpus
from catdog_exp.sweeps.attempts import Attempts
from catdog_exp.sweeps.elsewhere import Elsewhere, Places, attend
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.threads import VARIABLE
from catdog_exp.training.config import HardwareConfig

GIVEN_CORES = "SLURM_CPUS_PER_TASK"
# What submitit knows of any cluster; other keys are Slurm's.
EVERYWHERE = ("name", "timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb")


def places(
    where: str, settings: Mapping[str, Any], asked: int | None, hardware: Sequence[HardwareConfig], ahead: bool = False
) -> Places:
    """The places that a launcher of this kind has for jobs with this hardware. asked: `sweep.jobs`. ahead: hand a
    cluster that likes it more jobs than it has room for, as may be where what comes next does not follow from them.

    Raises UserError where its package or its cluster is not there.
    """
    if where == "ray":
        from catdog_exp.sweeps.on_ray import places_on_ray

        return places_on_ray(**settings["ray"], hardware=hardware, ahead=ahead)
    if where == "slurm":
        return _submitted("slurm", settings["array_parallelism"], settings)
    at_once = 1 if where == "basic" else jobs_at_once(asked, max((each.threads or 1) for each in hardware))
    if gpus := gpus_for(hardware[0]):
        at_once = min(at_once, len(gpus))
    if where == "local_processes":
        return _submitted("local", at_once, settings)

    def start(sweep: Path, parent_run: str | None, job: Job, hardware: HardwareConfig, place: int) -> Attempts:
        return Attempts(sweep, parent_run, job, share(hardware, place, at_once))

    return Places(lambda: at_once, start)


def share(hardware: HardwareConfig, place: int, at_once: int) -> dict[str, str]:
    """Variables that give a job at one of so many places its share of this machine: cores, and of several GPUs one."""
    cores = str(hardware.threads or max(1, len(os.sched_getaffinity(0)) // at_once))
    gpus = gpus_for(hardware)
    return {VARIABLE: cores, **({GPUS: gpus[place % len(gpus)]} if gpus else {})}


def gpus_for(hardware: HardwareConfig) -> list[str]:
    """The GPUs of this machine that jobs with this hardware may use one of, none where they use the processor."""
    if hardware.device == "cpu" or hardware.gpus > 1 or not (gpus := visible_gpus()):
        return []
    if hardware.device == "auto":
        from catdog_exp.mx import context

        return gpus if context("auto").device_type == "gpu" else []
    return gpus


def jobs_at_once(asked: int | None, threads: int | None) -> int:
    """`asked`, or where that is None as many jobs of so many threads each (None: one) as this machine has cores for."""
    return asked or max(1, len(os.sched_getaffinity(0)) // (threads or 1))


def _submitted(cluster: str, at_once: int, settings: Mapping[str, Any]) -> Places:
    """Processes that Slurm runs on whatever node, or that run beside this one (`local`), by submitit."""
    try:
        import submitit
    except ModuleNotFoundError:
        raise UserError("this launcher needs submitit: `pip install catdog-exp[submitit]`") from None
    given = {key: value for key, value in settings.items() if value is not None}
    executor = submitit.AutoExecutor(given.pop("submitit_folder"), cluster)
    executor.update_parameters(**{key if key in EVERYWHERE else f"slurm_{key}": given[key] for key in given})

    def start(sweep: Path, parent_run: str | None, job: Job, hardware: HardwareConfig, place: int) -> Elsewhere:
        shared = share(hardware, place, at_once) if cluster == "local" else {}
        task = executor.submit(_attend_submitted, sweep, parent_run, job, hardware.threads, shared, Path.cwd())
        return Elsewhere(sweep, job, task.done, task.result, partial(task.cancel, check=False))

    return Places(lambda: at_once, start)


def _attend_submitted(
    sweep: Path, parent_run: str | None, job: Job, threads: int | None, shared: Mapping[str, str], cwd: Path
) -> Outcome:
    return attend(sweep, parent_run, job, str(threads or os.environ.get(GIVEN_CORES, "")), shared, cwd)
