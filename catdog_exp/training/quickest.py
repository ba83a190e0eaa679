"""How quickly this machine trains, by threads and batch size, in a short try on noise."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.decoded import SPARE, DecodedPictures
from catdog_exp.mx import mx
from catdog_exp.networks.network import Network
from catdog_exp.training.config import HardwareConfig, TrainConfig
from catdog_exp.training.distributed.process_group import ProcessGroup
from catdog_exp.training.trainer import Trainer
from catdog_exp.training.trials import trial

AS_GOOD = 0.97  # of the quickest: noise


def images_per_second(
    network: Network,
    train: TrainConfig,
    augment: AugmentConfig,
    hardware: HardwareConfig,
    size: int,
    classes: int,
    threads: int,
    seconds: float,
) -> float:
    """Pictures of `size` pixels that are trained on in a second, after one step, in about so many seconds.

    Raises UserError when the device cannot be used.
    """
    train = dataclasses.replace(train, lr=1e-6, max_minutes=None, freeze=[], class_weights="none", accumulate=1)
    pictures, few = _noise(hardware.batch_size * 2, size, classes), _noise(classes, size, classes)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        trainer = Trainer(network, train, augment, hardware, pictures, few, classes, place, threads, {}, ProcessGroup())
        with trial(trainer) as batches:
            began, steps = 0.0, -1
            while steps < 1 or time.perf_counter() - began < seconds:
                trainer.replicas.gradients(*next(batches))
                trainer.updater.add()
                trainer.updater.step(1e-6, hardware.batch_size)
                mx.nd.waitall()
                steps += 1
                if steps == 0:  # the first one also builds what the later ones use
                    began = time.perf_counter()
            return steps * hardware.batch_size / (time.perf_counter() - began)


def quickest(speeds: Mapping[int, float]) -> int:
    """The least of those that are as quick as the quickest, but for noise."""
    return min(number for number, speed in speeds.items() if speed >= AS_GOOD * max(speeds.values()))


def _noise(count: int, size: int, classes: int) -> DecodedPictures:
    """Pictures of noise, square."""
    length = 3 * size * size
    return DecodedPictures(
        size=size,
        pixels=np.random.default_rng(0).integers(0, 256, count * length + SPARE, np.uint8),
        offsets=np.arange(count + 1, dtype=np.int64) * length,
        heights=np.full(count, size, np.int64),
        widths=np.full(count, size, np.int64),
        labels=np.arange(count, dtype=np.int64) % classes,
        ids=np.arange(count, dtype=np.uint64),
    )
