"""What is tried out with a network before its training: it leaves no trace there."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.mx import mx
from catdog_exp.training.draws import seed_draws
from catdog_exp.training.range_test import Curve, range_test
from catdog_exp.training.time_budget import planned_epochs

if TYPE_CHECKING:
    from catdog_exp.training.trainer import Trainer

DIFFERENT = 30  # steps of a range test with pictures of their own

Batch = tuple[NDArray[Any], NDArray[np.float32]]


@contextmanager
def trial(trainer: Trainer, different: int | None = None) -> Iterator[Iterator[Batch]]:
    """The first epoch's batches again and again, to try something out with before the first step.

    different: how many of them, None: all.
    """
    arrays = trainer.updater.arrays()
    with closing(_batches(trainer, different)) as batches:
        yield batches
    trainer.updater.restore(arrays, 0)


def searched(trainer: Trainer) -> Curve:
    """The curve of a range test of the learning rate, from the first weights on: the same each time.

    It goes over the same few batches again and again, and each one's loss is compared with what it was before any
    step: which pictures are easy would otherwise count for more than what is learned.
    """
    batches_in_all = trainer.steps * trainer.train.accumulate
    steps = min(trainer.steps, DIFFERENT)

    def loss_of(step: int, batches: Iterator[Batch]) -> tuple[float, int]:
        loss, pictures = 0.0, 0
        for part in range(trainer.train.accumulate):
            seed_draws(trainer.train.seed, 0, step * batches_in_all + part, trainer.workers.rank)
            crops, targets = next(batches)
            sums = trainer.replicas.gradients(crops, targets)
            trainer.updater.add()
            loss += sum(float(each.asnumpy().ravel()[0]) for each in sums)
            pictures += len(crops)
        losses, counts = zip(*trainer.workers.of_all((loss, pictures)), strict=True)
        return float(sum(losses) / sum(counts)), sum(counts)

    with trial(trainer, steps * trainer.train.accumulate) as batches:
        before = []
        for number in range(steps):
            before.append(loss_of(number, batches)[0])
            trainer.updater.forget()
        mean, numbers = sum(before) / steps, itertools.count()

        def step(rate: float) -> float:
            number = next(numbers) % steps
            loss, pictures = loss_of(number, batches)
            trainer.updater.step(rate, pictures)
            return mean + loss - before[number]

        return range_test(step)


def planned(trainer: Trainer, minutes: float) -> int:
    """The epochs that fit into what is left of so many minutes, for all workers alike."""
    with trial(trainer) as batches:
        crops, targets = next(batches)

        def batch() -> None:
            trainer.replicas.gradients(crops, targets)
            mx.nd.waitall()

        steps = trainer.steps * trainer.train.accumulate
        left = minutes - trainer.seconds() / 60
        fitting = planned_epochs(trainer.train.epochs, left, steps, batch, lambda: trainer.validate(0))
    told: int = trainer.workers.told(fitting)
    return told


def _batches(trainer: Trainer, different: int | None) -> Generator[Batch, None, None]:
    while True:
        with closing(trainer.batches(1, 0)) as batches:
            yield from itertools.islice(batches, different)
