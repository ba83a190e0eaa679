"""Small pictures that a network learns in a few steps, made in memory, and a short training for them."""

import dataclasses
from typing import Any

import numpy as np

from catdog_exp.data.decoded import SPARE, DecodedPictures
from catdog_exp.training.config import TrainConfig
from catdog_exp.training.optimizers import Sgd
from catdog_exp.training.schedules import Cosine

SHORT = TrainConfig(
    epochs=3,
    lr=0.02,
    seed=0,
    patience=None,
    max_minutes=None,
    clip=None,
    accumulate=1,
    average=None,
    mirrored=False,
    resume=True,
    checkpoint_minutes=None,
    init_from=None,
    freeze=[],
    optimizer=Sgd(momentum=0.9, nesterov=False, weight_decay=0.0005),
    schedule=Cosine(1.0, 0.01),
)


def short(**changes: Any) -> TrainConfig:
    """Three epochs of SGD, or with these keys changed."""
    return dataclasses.replace(SHORT, **changes)


def decoded(pictures: list[np.ndarray], labels: list[int], size: int) -> DecodedPictures:
    """Pictures (height, width, 3) as the decoder of record files would hold them."""
    return DecodedPictures(
        size=size,
        pixels=np.concatenate([*(picture.ravel() for picture in pictures), np.zeros(SPARE, np.uint8)]),
        offsets=np.cumsum([0, *(picture.size for picture in pictures)], dtype=np.int64),
        heights=np.array([picture.shape[0] for picture in pictures], np.int64),
        widths=np.array([picture.shape[1] for picture in pictures], np.int64),
        labels=np.array(labels, np.int64),
        ids=np.arange(len(pictures), dtype=np.uint64),
    )


def halves(count: int, size: int = 8, seed: int = 0, every: int = 2, by: int = 100) -> DecodedPictures:
    """Noise of several shapes, short edge `size`, with a brighter upper (label 0) or lower half (label 1).

    every: one picture in so many has label 1. by: how much brighter.
    """
    rng = np.random.default_rng(seed)
    pictures, labels = [], []
    for number in range(count):
        longer = size + number % 4
        height, width = (size, longer) if number % 3 else (longer, size)
        picture = rng.integers(0, 256 - by, (height, width, 3), np.uint8)
        label = int(number % every == every - 1)
        picture[slice(height // 2, None) if label else slice(None, height // 2)] += by
        pictures.append(picture)
        labels.append(label)
    return decoded(pictures, labels, size)
