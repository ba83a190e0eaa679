"""Where the jobs of a sweep run, and how many at once: on this machine, or handed to a cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.gpus import GPUS, visible_gpus
from catdog_exp.sweeps import passwords
from catdog_exp.sweeps.attempts import Attempts
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.threads import VARIABLE
from catdog_exp.training.config import HardwareConfig

LOOK_EVERY = 0.05  # seconds between two looks at jobs
GIVEN_CORES = "SLURM_CPUS_PER_TASK"
# What submitit knows of any cluster; other keys are Slurm's.
EVERYWHERE = ("name", "timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb")


@dataclass(frozen=True)
class Elsewhere:
    """A job that a cluster runs: whether it has ended, how (or raises that it was lost), and how to end it at once."""

    done: Callable[[], bool]
    result: Callable[[], Outcome]
    kill: Callable[[], object]

    def poll(self) -> Outcome | None:
        """The outcome, once it has ended."""
        try:
            return self.result() if self.done() else None
        except Exception as error:  # the node is lost, the time is over
            return Outcome("failed", reason=f"the cluster: {(str(error).strip() or repr(error)).splitlines()[-1]}")


@dataclass(frozen=True)
class Places:
    """at_once: how many there are by now. start: begins a job of a sweep's folder, under a parent run, at one."""

    at_once: Callable[[], int]
    start: Callable[[Path, str | None, Job, HardwareConfig, int], Attempts | Elsewhere]


def places(where: str, settings: Mapping[str, Any], asked: int | None, hardware: Sequence[HardwareConfig]) -> Places:
    """The places that a launcher of this kind has for jobs with this hardware. asked: `sweep.jobs`.

    Raises UserError where its package or its cluster is not there.
    """
    if where == "ray":
        return _on_ray(**settings["ray"])
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


def attend(
    sweep: Path, parent_run: str | None, job: Job, threads: int | None, shared: Mapping[str, str], cwd: Path
) -> Outcome:
    """Run a job from its start to its end, in a process that a cluster has started somewhere."""
    if not sweep.is_dir():
        return Outcome("failed", reason=f"{sweep} is not there; all machines must share this folder")
    os.chdir(cwd)
    cores = str(threads or os.environ.get(GIVEN_CORES, ""))
    attempts = Attempts(sweep, parent_run, job, shared or ({VARIABLE: cores} if cores else {}))
    try:
        while (outcome := attempts.poll()) is None:
            time.sleep(LOOK_EVERY)
    finally:
        attempts.kill()
    return outcome


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
        task = executor.submit(attend, sweep, parent_run, job, hardware.threads, shared, Path.cwd())
        return Elsewhere(task.done, task.result, partial(task.cancel, check=False))

    return Places(lambda: at_once, start)


def _on_ray(init: dict[str, Any], remote: dict[str, Any]) -> Places:
    """Tasks of a Ray cluster, as many at once as it has cores and GPUs for, by now: machines may join it."""
    from catdog_exp.packs.ray import LOCAL, connect

    if passwords.VARIABLE in os.environ:  # which the cluster's other machines do not have
        variables = init.setdefault("runtime_env", {}).setdefault("env_vars", {})
        variables[passwords.VARIABLE] = os.environ[passwords.VARIABLE]
    ray = connect(init.pop("address") or os.environ.get("RAY_ADDRESS") or LOCAL, init)
    task = ray.remote(**remote)(attend)
    needs = {"CPU": remote.get("num_cpus", 1), "GPU": remote.get("num_gpus", 0)}

    def at_once() -> int:
        has = ray.cluster_resources()
        return max(1, min((int(has.get(kind, 0) // need) for kind, need in needs.items() if need), default=1))

    def start(sweep: Path, parent_run: str | None, job: Job, hardware: HardwareConfig, _place: int) -> Elsewhere:
        ref = task.remote(sweep, parent_run, job, hardware.threads, {}, Path.cwd())
        done = lambda: bool(ray.wait([ref], timeout=0)[0])  # noqa: E731
        return Elsewhere(done, partial(ray.get, ref), partial(ray.cancel, ref, force=True))

    return Places(at_once, start)
