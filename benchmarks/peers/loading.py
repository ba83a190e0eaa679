"""What all sides of loader.py do to pictures, and how they are measured. The standard library alone."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KINDS = ("crop, flip, colour", "and scale, rotation")
PAD, JITTER, AREA, ASPECT, DEGREES = 2, 0.3, (0.6, 1.0), (0.8, 1.25), 10
SECONDS = 2.0  # that each measurement takes, at least


def measured(epochs: Iterator[Iterator[Any]], batch: int) -> dict[str, float]:
    """Full batches over whole epochs after the first, and the wall and processor time that they took, in seconds."""
    sum(1 for _ in next(epochs))
    count, start, processor = 0, time.perf_counter(), processor_time()
    while (seconds := time.perf_counter() - start) < SECONDS:
        count += sum(1 for crops in next(epochs) if len(crops) == batch)
    return {"batches": count, "seconds": seconds, "processor": processor_time() - processor}


def processor_time() -> float:
    """Of this process and its workers, which live on, in seconds."""
    ticks = 0
    for worker in multiprocessing.active_children():
        words = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(words[11]) + int(words[12])  # user and system time: proc(5)
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")
