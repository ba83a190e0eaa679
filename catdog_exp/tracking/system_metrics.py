"""What the machine does while a run is at work: MLflow's page of a run has charts of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from catdog_exp.background import in_background
from catdog_exp.gpus import gpu_load
from catdog_exp.tracking.run_log import RunLog

log = logging.getLogger(__name__)

INTERVAL = 5.0  # seconds between two samples: a run of half a minute has some
TOGETHER = 6  # samples that are logged at once
SYSTEM = "system/"  # how its metrics begin, where MLflow's page looks for them


@contextmanager
def system_metrics(tracker: RunLog) -> Iterator[None]:
    """Sample the load of processor, memory and GPUs every 5 s while the block runs, and log that.

    That it fails is a warning. Nothing is logged before the run's first epoch is, or its end: MLflow compares runs by
    the metric that came first.
    """
    samples: list[tuple[float, dict[str, float]]] = []
    with in_background("system metrics", partial(_sample, tracker, samples), INTERVAL):
        yield
    _send(tracker, samples)


def _sample(tracker: RunLog, samples: list[tuple[float, dict[str, float]]], ended: threading.Event) -> None:
    import psutil

    try:
        psutil.cpu_percent()  # the load since the call before
        while not ended.wait(INTERVAL):
            memory = psutil.virtual_memory()
            figures = {
                "cpu_utilization_percentage": psutil.cpu_percent(),
                "system_memory_usage_megabytes": memory.used / 1e6,
                "system_memory_usage_percentage": memory.percent,
                **gpu_load(),
            }
            samples.append((time.time(), {f"{SYSTEM}{name}": value for name, value in figures.items()}))
            if tracker.has_epochs and len(samples) >= TOGETHER:
                _send(tracker, samples)
    except Exception as error:
        log.warning("the load of this machine is not logged any more: %s", error)


def _send(tracker: RunLog, samples: list[tuple[float, dict[str, float]]]) -> None:
    try:
        if samples:
            tracker.samples(list(samples))
            samples.clear()
    except Exception as error:
        log.warning("the load of this machine is not logged: %s", error)
