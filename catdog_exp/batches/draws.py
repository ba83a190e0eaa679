"""Random numbers that follow from seed, epoch and a picture's index, and from nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# What each number of a picture decides. A new one goes to the end: the others then stay as they are.
(
    DOWN,
    ACROSS,
    FLIP,
    AREA,
    ASPECT,
    ANGLE,
    BRIGHTNESS,
    CONTRAST,
    SATURATION,
    HUE,
    HOLE_DOWN,
    HOLE_ACROSS,
    MIXING,
    BOX_DOWN,
    BOX_ACROSS,
) = range(15)
COLUMNS = 16  # of which so many are used

# Steele, Lea and Flood: Fast splittable pseudorandom number generators, 2014 (SplitMix64).
GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


def uniform(seed: int, epoch: int, indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers uniform in 0..1 (1 excluded) for the pictures with these indices, shape (COLUMNS, N)."""
    first = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    places = indices.astype(np.uint64) * np.uint64(COLUMNS) + np.arange(COLUMNS, dtype=np.uint64)[:, None]
    bits = first + (places + np.uint64(1)) * GAMMA
    for shift, factor in MIX:
        bits = (bits ^ (bits >> np.uint64(shift))) * factor
    bits ^= bits >> np.uint64(31)
    numbers: NDArray[np.float64] = (bits >> np.uint64(11)) * 2.0**-53
    return numbers
