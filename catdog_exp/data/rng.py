"""Random numbers that follow from seed, epoch and a picture's index, and from nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catdog_exp.compiled import compiled

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
FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)


def uniform(seed: int, epoch: int, indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers uniform in 0..1 (1 excluded) for the pictures with these indices, shape (COLUMNS, N)."""
    (first,) = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    numbers = np.empty((COLUMNS, len(indices)))
    _fill(numbers, first, indices)
    return numbers


@compiled
def _fill(numbers: NDArray[np.float64], first: np.uint64, indices: NDArray[np.int64]) -> None:
    for column in range(COLUMNS):
        for n in range(len(indices)):
            place = np.uint64(indices[n]) * np.uint64(COLUMNS) + np.uint64(column + 1)
            bits = first + place * GAMMA
            bits = (bits ^ (bits >> SHIFTS[0])) * FACTORS[0]
            bits = (bits ^ (bits >> SHIFTS[1])) * FACTORS[1]
            bits ^= bits >> SHIFTS[2]
            numbers[column, n] = np.float64(bits >> np.uint64(11)) * 2.0**-53
