"""Random squares out of decoded pictures, mirrored or not: a whole batch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.schema import AugmentConfig

if TYPE_CHECKING:
    from catdog_exp.batches.decoded import DecodedPictures

DRAWS = 3  # random numbers for each picture: where the square lies down and across, and whether it is mirrored


def draw(pictures: int, seed: int, epoch: int) -> NDArray[np.float64]:
    """The random numbers of an epoch, uniform in 0..1, shape (pictures, DRAWS).

    Row i is picture i's whatever batch it comes in, and follows from seed, epoch and i alone.
    """
    return np.random.default_rng((seed, epoch)).random((pictures, DRAWS))


def augmented(
    pictures: DecodedPictures, chosen: NDArray[np.int64], draws: NDArray[np.float64], augment: AugmentConfig
) -> NDArray[np.uint8]:
    """The chosen pictures' squares, uint8 RGB, shape (N, 3, size, size).

    chosen: indices of pictures, shape (N,).
    draws: their random numbers in 0..1, shape (N, DRAWS).
    """
    heights, widths = pictures.heights[chosen], pictures.widths[chosen]
    down = _places(heights, pictures.size, draws[:, 0], augment)
    across = _places(widths, pictures.size, draws[:, 1], augment)
    if augment.flip:
        mirrored = draws[:, 2] < 0.5
        across[mirrored] = across[mirrored, ::-1]
    # Where each pixel of the squares lies in the flat array, counted in pixels of three bytes.
    first = pictures.offsets[chosen] // 3
    rows = first[:, None] + down * widths[:, None]
    pixels = pictures.pixels.reshape(-1, 3)[rows[:, :, None] + across[:, None, :]]
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def _places(
    lengths: NDArray[np.integer[Any]], size: int, uniform: NDArray[np.float64], augment: AugmentConfig
) -> NDArray[np.int64]:
    """Which places of an axis each square takes, shape (N, size); beyond its ends the axis is mirrored."""
    spare = lengths.astype(np.int64) - size
    if augment.random_crop:
        lowest, highest = np.zeros_like(spare), spare
    else:
        lowest = highest = spare // 2
    choices = highest - lowest + 2 * augment.pad + 1
    first = lowest - augment.pad + np.floor(uniform * choices).astype(np.int64)
    last = lengths[:, None].astype(np.int64) - 1
    there_and_back = (first[:, None] + np.arange(size)) % (2 * last)
    places: NDArray[np.int64] = last - np.abs(last - there_and_back)
    return places
