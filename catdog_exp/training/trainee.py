"""A network under training: its epochs, and the state from which it goes on after an interruption."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.batches.batches import plain_batches, steps_per_epoch, train_batches
from catdog_exp.errors import UserError
from catdog_exp.mx import context, mx, side_by_side
from catdog_exp.networks.forward import Forward
from catdog_exp.networks.network import Network
from catdog_exp.schema import AugmentConfig, HardwareConfig, TrainConfig
from catdog_exp.training.checkpoint import load_checkpoint
from catdog_exp.training.objective import SPEED
from catdog_exp.training.plan import planned_epochs
from catdog_exp.training.progress import EpochProgress
from catdog_exp.training.replicas import Replicas, slices_of
from catdog_exp.training.tally import Tally
from catdog_exp.training.unfinished import Counters, State, load_state, save_state
from catdog_exp.training.updating import Updater

if TYPE_CHECKING:
    from catdog_exp.batches.decoded import DecodedPictures

log = logging.getLogger(__name__)

# Batches after which MXNet's generator is seeded anew: only there can a training stop and go on exactly.
SEEDED = 50

BEST = "best.safetensors"


class Trainee:
    """A network under training, with its pictures, and how far it has come."""

    def __init__(
        self,
        network: Network,
        train: TrainConfig,
        augment: AugmentConfig,
        hardware: HardwareConfig,
        train_pictures: DecodedPictures,
        validation_pictures: DecodedPictures,
        classes: int,
        folder: Path,
        threads: int,
        given: Mapping[str, NDArray[Any]],
    ) -> None:
        self.train = train
        self.augment = augment
        self.classes = classes
        self.batch_size = hardware.batch_size
        self.train_pictures = train_pictures
        self.validation_pictures = validation_pictures
        self.folder = folder
        size = train_pictures.size
        mx.random.seed(train.seed)
        smallest = min(self.batch_size, len(train_pictures))
        contexts = side_by_side(context(hardware.device), slices_of(smallest))
        self.replicas = Replicas(network, size, classes, contexts, threads, given, [str(word) for word in train.freeze])
        self.updater = Updater(self.replicas, train.optimizer, train.clip, train.average, "local")
        self.forward = Forward(
            network, size, classes, hardware.device, self.batch_size, threads, mirrored=train.mirrored
        )
        self.steps = max(1, steps_per_epoch(len(train_pictures), self.batch_size) // train.accumulate)
        self.started = self.saved = time.monotonic()
        self.counters = Counters(train.epochs, 0, 0, 0, 0.0, 0.0, 0, [], 0, None, 0.0)
        state = self._earlier()
        if state is not None:
            self.updater.restore(state.arrays, state.counters.steps)
            self.counters = state.counters
            self.started -= state.counters.seconds
            epoch, batches = state.counters.epoch, state.counters.batches
            log.info("going on after epoch %d of %d and %d batches", epoch, state.counters.epochs, batches)
        elif train.max_minutes is not None:
            self.counters = replace(self.counters, epochs=self._planned(train.max_minutes))

    def _earlier(self) -> State | None:
        """The state that an earlier process left, with its best checkpoint."""
        state = load_state(self.folder)
        if state is not None and state.counters.best_epoch:
            try:
                load_checkpoint(self.folder / BEST)
            except UserError as error:
                log.warning("%s; starting anew", error)
                return None
        return state

    def finished(self) -> bool:
        """Whether no further epoch is to be done; where that is early, the log says why."""
        counters, train = self.counters, self.train
        if counters.epoch >= counters.epochs:
            return True
        waited = counters.epoch - counters.best_epoch
        if train.patience is not None and counters.epoch and waited >= train.patience:
            log.info("stopped after epoch %d: no better objective since epoch %d", counters.epoch, counters.best_epoch)
            return True
        if train.max_minutes is not None and counters.epoch and self._seconds() > train.max_minutes * 60:
            log.warning("stopped after epoch %d: train.max_minutes=%g are over", counters.epoch, train.max_minutes)
            return True
        return False

    def epoch(self) -> dict[str, float]:
        """Train for what is left of the next epoch, and validate; its metrics."""
        epoch = self.counters.epoch + 1
        with EpochProgress(epoch, self.counters.epochs, len(self.train_pictures)) as progress:
            metrics = self._train_epoch(epoch, progress)
            metrics.update(self._validate(epoch))
            progress.done(metrics)
        return metrics

    def best(self, epoch: int, value: float) -> None:
        """Remember the best epoch so far."""
        self.counters = replace(self.counters, best_epoch=epoch, best_value=value)

    def epoch_done(self, metrics: dict[str, float]) -> None:
        """Count the epoch, and save the state."""
        self.counters = replace(
            self.counters,
            epoch=self.counters.epoch + 1,
            batches=0,
            steps=self.updater.steps,
            loss=0.0,
            correct=0.0,
            pictures=0,
            history=[*self.counters.history, metrics],
        )
        self._save()

    def _train_epoch(self, epoch: int, progress: EpochProgress) -> dict[str, float]:
        train, first = self.train, self.counters.batches
        tally = Tally(epoch, progress, self.counters.loss, self.counters.correct, self.counters.pictures)
        before, started = tally.pictures, time.perf_counter()
        batches = train_batches(
            self.train_pictures, self.augment, self.classes, self.batch_size, train.seed, epoch, first
        )
        rate, gathered, batches_in_all = 0.0, 0, self.steps * train.accumulate
        with closing(batches):
            for number, (squares, targets) in enumerate(batches, first):
                if number >= batches_in_all:
                    break
                if number % SEEDED == 0:
                    # Dropout draws from MXNet's generator: seeded anew, it does not depend on what drew before.
                    mx.random.seed(_draws_seed(train.seed, epoch, number // SEEDED))
                sums = self.replicas.gradients(squares, targets)
                self.updater.add()
                gathered += len(squares)
                if (number + 1) % train.accumulate == 0:
                    rate = self._rate()
                    self.updater.step(rate, gathered)
                    gathered = 0
                tally.add(number + 1, rate, len(squares), sums)
                if (number + 1) % SEEDED == 0 and number + 1 < batches_in_all and self._is_time_to_save(number + 1):
                    tally.settle()
                    self._save_within(number + 1, tally)
        tally.settle()
        return {
            "train/loss": tally.loss / tally.pictures,
            "train/accuracy": tally.correct / tally.pictures,
            "lr": rate,
            SPEED: (tally.pictures - before) / (time.perf_counter() - started),
        }

    def _rate(self) -> float:
        steps = self.counters.epochs * self.steps
        return self.train.lr * self.train.schedule.factor(self.updater.steps, steps, self.steps)

    def _validate(self, epoch: int) -> dict[str, float]:
        self.forward.use(self.updater.parameters())
        loss, correct, done = 0.0, 0, 0
        batches = (squares for squares, _, _ in plain_batches(self.validation_pictures, self.forward.batch_size))
        for values in self.forward.logits(batches):
            truth = self.validation_pictures.labels[done : done + len(values)]
            logits = values[: len(truth)].astype(np.float64)
            shifted = logits - logits.max(axis=1, keepdims=True)
            log_sums = np.log(np.exp(shifted).sum(axis=1))
            loss += float((log_sums - shifted[np.arange(len(truth)), truth]).sum())
            correct += int((logits.argmax(axis=1) == truth).sum())
            done += len(truth)
        if not math.isfinite(loss):
            raise UserError(
                f"epoch {epoch}: the validation loss is {loss}: try a smaller train.lr than {self.train.lr:g}"
            )
        return {"val/loss": loss / done, "val/accuracy": correct / done}

    def _planned(self, minutes: float) -> int:
        """Epochs that fit into so many minutes; trying that out leaves no trace in the training."""
        arrays = self.updater.arrays()
        with closing(
            train_batches(self.train_pictures, self.augment, self.classes, self.batch_size, self.train.seed, 1, 0)
        ) as batches:
            squares, targets = next(batches)

        def batch() -> None:
            self.replicas.gradients(squares, targets)
            mx.nd.waitall()

        steps = self.steps * self.train.accumulate
        planned = planned_epochs(self.train.epochs, minutes, steps, batch, lambda: self._validate(0))
        self.updater.restore(arrays, 0)
        return planned

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _is_time_to_save(self, batches: int) -> bool:
        minutes = self.train.checkpoint_minutes
        if minutes is None or batches % self.train.accumulate:
            return False
        return time.monotonic() - self.saved >= minutes * 60

    def _save_within(self, batches: int, tally: Tally) -> None:
        self.counters = replace(
            self.counters,
            batches=batches,
            steps=self.updater.steps,
            loss=tally.loss,
            correct=tally.correct,
            pictures=tally.pictures,
        )
        self._save()

    def _save(self) -> None:
        self.counters = replace(self.counters, seconds=self._seconds())
        save_state(self.folder, State(self.counters, self.updater.arrays()))
        self.saved = time.monotonic()


def _draws_seed(seed: int, epoch: int, part: int) -> int:
    """A seed of MXNet's for a part of an epoch, apart from those of other epochs and of neighbouring seeds."""
    return int(np.random.SeedSequence((seed, epoch, part)).generate_state(1)[0] >> 1)
