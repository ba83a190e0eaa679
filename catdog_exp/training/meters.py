"""Sums over an epoch's batches: pictures, their loss, and how many were right."""

from __future__ import annotations

import math
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.training.distributed.process_group import ProcessGroup
from catdog_exp.training.progress import EpochProgress


class EpochMeter:
    """An epoch's loss and hits so far, read one batch late, so that the device never waits for the reading."""

    def __init__(self, epoch: int, progress: EpochProgress, loss: float, correct: float, pictures: int) -> None:
        self.loss = loss
        self.correct = correct
        self.pictures = pictures
        self._epoch = epoch
        self._progress = progress
        self._unread: tuple[int, float, int, list[Any]] | None = None
        if pictures:
            progress.step(pictures, loss / pictures, correct / pictures)

    def add(self, batch: int, rate: float, pictures: int, sums: list[Any]) -> None:
        """A batch is under way; each of `sums` will hold the summed loss and the number of hits of a slice of it."""
        self.settle()
        self._unread = (batch, rate, pictures, sums)

    def of_all(self, workers: ProcessGroup) -> tuple[float, float, int]:
        """Loss, hits and pictures so far, of all workers together."""
        self.settle()
        of_all = workers.of_all((self.loss, self.correct, self.pictures))
        loss, correct, pictures = map(sum, zip(*of_all, strict=True))
        return loss, correct, pictures

    def settle(self) -> None:
        """Read the batch that is still unread, if any."""
        if self._unread is None:
            return
        batch, rate, pictures, sums = self._unread
        self._unread = None
        for slice_sums in sums:
            loss, correct = map(float, slice_sums.asnumpy().ravel())
            self.loss += loss
            self.correct += correct
        if not math.isfinite(self.loss):
            raise UserError(
                f"epoch {self._epoch}, batch {batch}: the loss is {self.loss} at a learning rate of {rate:g}: "
                "try a smaller train.lr"
            )
        self.pictures += pictures
        self._progress.step(pictures, self.loss / self.pictures, self.correct / self.pictures)
