"""A job of several workers on a Ray cluster: they are placed, told where they meet, and begin again together."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from catdog_exp.sweeps.attempts import ENDED_BY
from catdog_exp.sweeps.jobs import Job, Outcome

Task = Callable[..., Outcome]  # attends one worker's job: sweep's folder, job


class _WorkerLost(Exception):
    """The message is one line."""


def attend_workers(
    ray: Any, attend: Task, sweep: Path, job: Job, workers: int, needs: dict[str, float], retries: int
) -> Outcome:
    """Run a job of so many workers, each with the resources that it needs, to its end: worker 0's outcome.

    Where one is lost, all begin again, from the last state, `retries` times at most.
    """
    for left in range(retries, -1, -1):
        group = ray.util.placement_group([needs] * workers, strategy="SPREAD")
        try:
            ray.get(group.ready())
            return _together(ray, attend, sweep, job, workers, needs, group)
        except (_WorkerLost, ray.exceptions.RayError) as lost:
            if not left:
                return Outcome("failed", reason=f"the cluster: {str(lost).splitlines()[-1]}")
        finally:
            ray.util.remove_placement_group(group)
    raise AssertionError


def _together(
    ray: Any, attend: Task, sweep: Path, job: Job, workers: int, needs: dict[str, float], group: Any
) -> Outcome:
    def placed(rank: int) -> Any:
        where = ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy(group, rank)
        given = {"num_cpus": needs["CPU"], "num_gpus": needs.get("GPU", 0)}
        return ray.remote(max_retries=0, scheduling_strategy=where, **given)(_called)

    root = ray.get(placed(0).remote(_free_address, ray.util.get_node_ip_address))
    refs = {}
    for rank in range(workers):
        hardware = {**job.settings["hardware"], "rank": rank, "root": root}
        settings = {**job.settings, "hardware": hardware, "sweep": {**job.settings["sweep"], "retries": 0}}
        # The others' folders lie in that of worker 0.
        place = (sweep, job.number) if rank == 0 else (sweep / str(job.number), rank)
        fingerprint = job.fingerprint if rank == 0 else ""
        own = dataclasses.replace(job, number=place[1], settings=settings, fingerprint=fingerprint)
        refs[placed(rank).remote(attend, place[0], own)] = rank
    outcomes: dict[int, Outcome] = {}
    outcome: Outcome
    try:
        while 0 not in outcomes:
            (done, *_), _ = ray.wait([ref for ref, rank in refs.items() if rank not in outcomes], num_returns=1)
            outcome = outcomes[refs[done]] = ray.get(done)
            if outcome.status == "failed" and outcome.reason.startswith(ENDED_BY):
                raise _WorkerLost(f"worker {refs[done]}: {outcome.reason}")
            if outcome.status == "failed":  # a mistake, of which the others tell nothing
                return outcome
        return outcomes[0]
    finally:
        if len(outcomes) < workers:
            with suppress(Exception):
                ray.wait(list(refs), num_returns=workers, timeout=10 if 0 in outcomes else 0)
            for ref in refs:
                ray.cancel(ref, force=True)


def _called(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


def _free_address(own: Callable[[], str]) -> str:
    """ADDRESS:PORT of this machine."""
    address = own()
    with socket.create_server((address, 0)) as server:
        return f"{address}:{server.getsockname()[1]}"
