"""Batches for a network: shuffled and augmented to train on, plain and in order to evaluate."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.features import FeaturedPictures
from catdog_exp.parallel import in_order

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures

# Bytes of crops that a thread makes at once. To wake it, and to draw what it does, costs as much as a batch of small
# pictures; and what is more than this no longer fits into a processor's own cache.
TOGETHER = 3 << 18


def steps_per_epoch(pictures: int, batch_size: int) -> int:
    """How many batches a whole epoch has."""
    return max(1, pictures // batch_size)


def train_batches(
    pictures: DecodedPictures,
    augment: AugmentConfig,
    classes: int,
    batch_size: int,
    seed: int,
    epoch: int,
    first_step: int = 0,
    rank: int = 0,
    workers: int = 1,
    threads: int = 1,
) -> Generator[tuple[NDArray[Any], NDArray[np.float32]], None, None]:
    """An epoch of augmented batches in a shuffled order, from its batch number `first_step` (from 0) to its end.

    Each is (crops, targets): uint8 RGB of shape (batch_size, 3, size, size), and float32 of shape
    (batch_size, classes), whose rows sum to 1. In place of crops come features, where
    there are some. A last batch that is not full is left out, so that all have one
    shape; where all pictures together do not fill one batch, they are the one batch.

    Of several `workers` each takes its share, by `rank` from 0, of batches of workers × batch_size pictures.

    Order and augmentation follow from `seed` and `epoch`; how a picture is changed does not depend on the
    batch that it comes in, nor on `first_step`. So many `threads` make the next batches while the last one is used:
    close the generator (`contextlib.closing`) where it may be left before its end.
    """
    from catdog_exp.data.epoch import AugmentedEpoch  # and with it Numba, which only training needs

    augmented = AugmentedEpoch(pictures, augment, classes, seed, epoch)
    whole = batch_size * workers
    if full := len(pictures) // whole:
        batches = augmented.order[: full * whole].reshape(full, workers, batch_size)[first_step:, rank]
    else:
        batches = np.array_split(augmented.order, workers)[rank][np.newaxis][first_step:]
    room = 3 * (augment.size or pictures.size) ** 2
    if isinstance(pictures, FeaturedPictures):
        room = pictures.values[0, 0].nbytes
    at_once = max(1, TOGETHER // (batch_size * room))

    def made(batches: NDArray[np.int64]) -> list[tuple[NDArray[Any], NDArray[np.float32]]]:
        every = augmented.batch(batches.reshape(-1))
        crops, targets = (part.reshape(*batches.shape, *part.shape[1:]) for part in every)
        return list(zip(crops, targets, strict=True))

    parts = (batches[start : start + at_once] for start in range(0, len(batches), at_once))
    with closing(in_order(made, parts, threads, ahead=1)) as several:
        for one_after_the_other in several:
            yield from one_after_the_other


def plain_batches(pictures: DecodedPictures, batch_size: int, *, mirrored: bool) -> Iterator[NDArray[Any]]:
    """All pictures' center crops in order, as `full_batches`; one batch at a time is in memory.

    Of `FeaturedPictures` their features, shape (views, batch_size, ...).
    """
    if isinstance(pictures, FeaturedPictures):
        values = pictures.values
        for start in range(0, len(pictures), batch_size):
            part = values[:, start : start + batch_size]
            batch = np.zeros((len(values), batch_size, *values.shape[2:]), np.float32)
            batch[:, : part.shape[1]] = part
            yield batch
        return
    for start in range(0, len(pictures), batch_size):
        yield from full_batches(pictures.crops(start, start + batch_size), batch_size, mirrored=mirrored)


def full_batches(crops: NDArray[np.uint8], batch_size: int, *, mirrored: bool) -> Iterator[NDArray[np.uint8]]:
    """Crops (N, size, size, 3) cut into batches of shape (views, batch_size, 3, size, size).

    The last one is filled up with zeros. The views are the crop and, where `mirrored`, its mirror image.
    """
    for start in range(0, len(crops), batch_size):
        part = crops[start : start + batch_size]
        batch = np.zeros((1 + mirrored, batch_size, 3, *crops.shape[1:3]), crops.dtype)
        batch[0, : len(part)] = part.transpose(0, 3, 1, 2)
        if mirrored:
            batch[1] = batch[0, ..., ::-1]
        yield batch
