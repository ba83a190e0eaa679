"""A machine's places for a sweep's jobs: no more at once than there are, and each with its share of the machine."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from catdog_exp.gpus import GPUS, visible_gpus
from catdog_exp.threads import VARIABLE
from catdog_exp.training.config import HardwareConfig

LOOK_EVERY = 0.2  # seconds between two looks for a free place
GIVEN_CORES = "SLURM_CPUS_PER_TASK"


@dataclass(frozen=True)
class Slot:
    """One of `at_once` places, counted from 0; None: the machine is shared out by a cluster's own means."""

    number: int
    at_once: int | None

    def environment(self, hardware: HardwareConfig) -> dict[str, str]:
        """Variables that give a job's process its share: of the cores as threads, of several GPUs one."""
        if self.at_once is None:
            share = str(hardware.threads or "") or os.environ.get(GIVEN_CORES, "")
            return {VARIABLE: share} if share else {}
        share = str(hardware.threads or max(1, len(os.sched_getaffinity(0)) // self.at_once))
        gpus = gpus_for(hardware)
        return {VARIABLE: share, **({GPUS: gpus[self.number % len(gpus)]} if gpus else {})}


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


@contextmanager
def slot(sweep: Path, at_once: int | None) -> Iterator[Slot]:
    """One of this machine's `at_once` places for the jobs of the sweep in the folder `sweep`, once one is free.

    Launchers that start all jobs at once are so held to what the machine can do. None: there are places for all.
    """
    if at_once is None:
        yield Slot(0, None)
        return
    folder = sweep / "slots"
    folder.mkdir(parents=True, exist_ok=True)
    locks = [FileLock(folder / f"{socket.gethostname()}-{number}.lock") for number in range(at_once)]
    while True:
        for number, lock in enumerate(locks):
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            try:
                yield Slot(number, at_once)
            finally:
                lock.release()
            return
        time.sleep(LOOK_EVERY)
