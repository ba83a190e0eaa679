"""What both sides of train_throughput.py are given: the same pictures, labels and first weights. NumPy alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

MEAN, DEVIATION = 114.5, 57.6
RATE, MOMENTUM = 0.01, 0.9
WARM_UP = 5  # steps


def batch(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 pictures (count, size, size, 3) and labels 0 or 1."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (count, size, size, 3), np.uint8), random.integers(0, 2, count)


def first_weights(shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray | None]:
    """Weights after He et al., 2015, in the order of the network's parameters; None: leave that vector as it is."""
    random = np.random.default_rng(1)
    found: list[np.ndarray | None] = []
    for shape in shapes:
        fan_in = int(np.prod(shape[1:]))
        many = len(shape) > 1
        found.append(random.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32) if many else None)
    return found


def measure(step: Callable[[], None], finish: Callable[[], None], count: int, seconds: float) -> dict[str, float]:
    """`step`, which trains on `count` pictures, over about `seconds`, after some that do not count.

    Pictures per second, the cores that it had, its processor time in µs per picture, and the steps of both kinds.
    """
    for _ in range(WARM_UP):
        step()
    finish()
    start, processor, steps = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() < start + seconds:
        step()
        steps += 1
    finish()
    wall, processor = time.perf_counter() - start, time.process_time() - processor
    return {
        "images_per_second": count * steps / wall,
        "cores": processor / wall,
        "processor": 1e6 * processor / (count * steps),
        "steps": WARM_UP + steps,
    }
