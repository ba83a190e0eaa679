"""Jobs as tasks of a Ray cluster, whose machines may come and go, and need not share the sweep's folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps import passwords
from catdog_exp.sweeps.elsewhere import Elsewhere, Places, attend
from catdog_exp.sweeps.home import Home
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.training.config import HardwareConfig

AHEAD = 32  # jobs that wait at the cluster: machines that join find them, and an autoscaler sees what is wanted
CALLS = 64  # of jobs that the home answers at once


def places_on_ray(
    init: dict[str, Any], remote: dict[str, Any], hardware: Sequence[HardwareConfig], ahead: bool
) -> Places:
    """As many places as the cluster has cores and GPUs for by now, and with `ahead` some more. Raises UserError."""
    from catdog_exp.packs.ray import LOCAL, connect

    if passwords.VARIABLE in os.environ:  # which the cluster's other machines do not have
        variables = init.setdefault("runtime_env", {}).setdefault("env_vars", {})
        variables[passwords.VARIABLE] = os.environ[passwords.VARIABLE]
    ray = connect(init.pop("address") or os.environ.get("RAY_ADDRESS") or LOCAL, init)
    workers = max((each.workers or 1 for each in hardware), default=1)
    homes: dict[Path, Any] = {}

    def needs(of: HardwareConfig) -> dict[str, float]:
        wanted = {"CPU": remote.get("num_cpus") or of.threads or 1, "GPU": remote.get("num_gpus") or 0}
        return {kind: need for kind, need in wanted.items() if need}

    def at_once() -> int:
        has = ray.cluster_resources()
        room = min(int(has.get(kind, 0) // (need * workers)) for kind, need in needs(hardware[0]).items())
        return max(1, room) + AHEAD * ahead

    def start(sweep: Path, parent_run: str | None, job: Job, hardware: HardwareConfig, _place: int) -> Elsewhere:
        config = read(RunConfig, passwords.restored(job.settings))
        outputs = Path(config.paths.outputs)
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        if sweep not in homes:
            tracking = dataclasses.replace(config.tracking, parent_run=parent_run)
            home = ray.remote(num_cpus=0, max_concurrency=CALLS, scheduling_strategy=here)(Home)
            homes[sweep] = home.remote(outputs, sweep, tracking)
        own = needs(hardware)
        cores = str(hardware.threads or int(own["CPU"]))
        attend_one = partial(_attend, homes[sweep], outputs, sweep, parent_run, cores, Path.cwd())
        if hardware.workers is None:
            task = ray.remote(**{**remote, "num_cpus": own["CPU"]})(_attend)
            ref = task.remote(*attend_one.args, sweep, job)
        else:
            task = ray.remote(num_cpus=0, scheduling_strategy=here)(_attend_workers)
            ref = task.remote(attend_one, sweep, job, hardware.workers, own, remote["max_retries"])
        done = lambda: bool(ray.wait([ref], timeout=0)[0])  # noqa: E731
        return Elsewhere(sweep, job, done, partial(ray.get, ref), partial(ray.cancel, ref, force=True))

    return Places(at_once, start)


def _attend(
    home: Any, outputs: Path, sweep: Path, parent_run: str | None, cores: str, cwd: Path, place: Path, job: Job
) -> Outcome:
    """The task: runs in a process of the cluster, wherever that is. place: the folder that the job's is in."""
    import ray

    from catdog_exp.sweeps.away import attend_away

    # While the thread waits that a task runs in, Ray gives the task's cores to another.
    with ThreadPoolExecutor() as others:

        def call(method: str, *arguments: Any) -> Any:
            return others.submit(ray.get, getattr(home, method).remote(*arguments)).result()

        if sweep.is_dir():
            place.mkdir(exist_ok=True)
            # Where an attempt without the outputs was lost, its journal is still held.
            if place.is_relative_to(outputs):
                call("take_over", (place / str(job.number)).relative_to(outputs).as_posix())
            return attend(place, parent_run, job, cores, {}, cwd)
        return attend_away(call, outputs, place, parent_run, job, cores)


def _attend_workers(
    attend_one: Any, sweep: Path, job: Job, workers: int, needs: dict[str, float], retries: int
) -> Outcome:
    """The task of a job of several workers: it has a task for each of them."""
    import ray

    from catdog_exp.sweeps.gang import attend_workers

    return attend_workers(ray, attend_one, sweep, job, workers, needs, retries)
