"""A network under training: its epochs, and the state from which it goes on after an interruption."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.data.batches import steps_per_epoch, train_batches
from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.features import FeaturedPictures
from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.networks.forward import Forward
from catdog_exp.networks.frozen_layers import layers_above
from catdog_exp.networks.network import Network
from catdog_exp.training.class_weights import class_weights
from catdog_exp.training.config import HardwareConfig, TrainConfig
from catdog_exp.training.devices import devices
from catdog_exp.training.distributed.process_group import ProcessGroup
from catdog_exp.training.draws import SEEDED, seed_draws
from catdog_exp.training.early_stopping import is_over
from catdog_exp.training.meters import EpochMeter
from catdog_exp.training.objective import SPEED
from catdog_exp.training.progress import EpochProgress
from catdog_exp.training.range_test import found_rate
from catdog_exp.training.replicas import Replicas, slices_of
from catdog_exp.training.shared_state import state_to_go_on_from
from catdog_exp.training.training_state import Counters, State, save_state
from catdog_exp.training.trials import planned, searched
from catdog_exp.training.updater import Updater
from catdog_exp.training.validation import validate as validated

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures

log = logging.getLogger(__name__)


class Trainer:
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
        workers: ProcessGroup,
    ) -> None:
        self.train = train
        self.augment = augment
        self.classes = classes
        self.batch_size = hardware.batch_size
        self.train_pictures = train_pictures
        self.validation_pictures = validation_pictures
        self.folder = folder
        self.threads = threads
        self.workers = workers
        size = train_pictures.size
        if len(train_pictures) < workers.count:
            raise UserError(f"{len(train_pictures)} pictures to train on are too few for {workers.count} workers")
        # Of all workers together; each takes its share, at least `smallest`.
        self.pictures_at_once = min(self.batch_size * workers.count, len(train_pictures))
        smallest = self.pictures_at_once // workers.count
        mx.random.seed(train.seed)
        frozen = [str(word) for word in train.freeze]
        weights = class_weights(train.class_weights, train_pictures.labels, classes)
        done = 0
        shape: tuple[int, ...] = (3, size, size)
        if isinstance(train_pictures, FeaturedPictures) and isinstance(validation_pictures, FeaturedPictures):
            done, shape = train_pictures.layers, validation_pictures.values.shape[2:]
        block = layers_above(network.build(size, classes), done)
        contexts, at_once = devices(hardware, smallest, slices_of(smallest, block), threads)
        self.replicas = Replicas(
            network, augment.size or size, weights, contexts, at_once, given, frozen, hardware.dtype, done
        )
        self.updater = Updater(self.replicas, train.optimizer, train.clip, train.average, workers)
        self.forward = Forward(block, shape, hardware.device, self.batch_size, threads)
        batches = steps_per_epoch(len(train_pictures), self.pictures_at_once)
        if batches < train.accumulate:
            raise UserError(
                f"train.accumulate={train.accumulate}: an epoch has {batches} batches of {self.pictures_at_once} "
                "pictures; accumulate fewer, or make them smaller with hardware.batch_size"
            )
        self.steps = batches // train.accumulate
        self.started = self.saved = time.monotonic()
        self.counters = Counters(train.epochs, 0, 0, 0, 0.0, 0.0, 0, [], 0, None, 0.0)
        state = state_to_go_on_from(folder, workers, self.updater)
        if state is not None:
            self.updater.restore(state.arrays, state.counters.steps)
            self.counters = state.counters
            self.started -= state.counters.seconds
            epoch, batches = state.counters.epoch, state.counters.batches
            log.info("going on after epoch %d of %d and %d batches", epoch, state.counters.epochs, batches)
        elif train.lr == "find":
            self.counters = replace(self.counters, curve=searched(self))
        self.lr: float = found_rate(self.counters.curve or []) if train.lr == "find" else train.lr
        if state is None and train.max_minutes is not None:
            self.counters = replace(self.counters, epochs=planned(self, train.max_minutes))
        if state is None and train.lr == "find":
            self._save()  # what is found is not searched for again

    def finished(self, objective: str) -> bool:
        """Whether no further epoch is to be done; where that is early, the log says why."""
        return is_over(self.counters, self.train, objective, self._are_over)

    def epoch(self) -> dict[str, float]:
        """Train for what is left of the next epoch, and validate; its metrics."""
        epoch = self.counters.epoch + 1
        pictures = len(self.train_pictures) // self.workers.count
        with EpochProgress(epoch, self.counters.epochs, pictures) as progress:
            metrics = self._train_epoch(epoch, progress)
            metrics.update(self.validate(epoch))
            metrics = dict(self.workers.told(metrics))
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
        tally, before, started = self._tally(epoch, progress), self.counters.pictures, time.perf_counter()
        batches = self.batches(epoch, first)
        rate, gathered, batches_in_all = 0.0, 0, self.steps * train.accumulate
        with closing(batches):
            for number, (crops, targets) in enumerate(batches, first):
                if number >= batches_in_all:
                    break
                if number % SEEDED == 0:
                    seed_draws(train.seed, epoch, number // SEEDED, self.workers.rank)
                sums = self.replicas.gradients(crops, targets)
                self.updater.add()
                gathered += self.pictures_at_once
                if (number + 1) % train.accumulate == 0:
                    rate = self._rate()
                    self.updater.step(rate, gathered)
                    gathered = 0
                tally.add(number + 1, rate, len(crops), sums)
                if (number + 1) % SEEDED == 0 and number + 1 < batches_in_all and self._is_time_to_save(number + 1):
                    self._save_within(number + 1, tally)
        loss, correct, pictures = tally.of_all(self.workers)
        return {
            "train/loss": loss / pictures,
            "train/accuracy": correct / pictures,
            "lr": rate,
            SPEED: (pictures - before) / (time.perf_counter() - started),
        }

    def batches(self, epoch: int, first: int) -> Generator[tuple[NDArray[Any], NDArray[np.float32]], None, None]:
        """This worker's batches of an epoch, from its batch number `first` on; close it when it is left."""
        seed, (rank, count) = self.train.seed, (self.workers.rank, self.workers.count)
        pictures, augment, size = self.train_pictures, self.augment, self.batch_size
        return train_batches(pictures, augment, self.classes, size, seed, epoch, first, rank, count, self.threads)

    def _tally(self, epoch: int, progress: EpochProgress) -> EpochMeter:
        """What the epoch's earlier batches came to, which worker 0 counts."""
        counters = self.counters
        before = (counters.loss, counters.correct, counters.pictures) if self.workers.rank == 0 else (0.0, 0.0, 0)
        return EpochMeter(epoch, progress, *before)

    def _rate(self) -> float:
        steps = self.counters.epochs * self.steps
        return self.lr * self.train.schedule.factor(self.updater.steps, steps, self.steps)

    def validate(self, epoch: int) -> dict[str, float]:
        """The metrics that begin with `val/`, none for any worker but the first."""
        parameters = self.updater.parameters()
        if self.workers.rank:
            return {}
        self.forward.use({name: parameters[name] for name in self.forward.names})
        metrics = validated(self.forward, self.validation_pictures, self.workers.check, mirrored=self.train.mirrored)
        loss = metrics["val/loss"]
        if not math.isfinite(loss):
            raise UserError(f"epoch {epoch}: the validation loss is {loss}: try a smaller train.lr than {self.lr:g}")
        return metrics

    def _are_over(self, minutes: float) -> bool:
        over: bool = self.workers.told(self.seconds() > minutes * 60)
        return over

    def seconds(self) -> float:
        """Spent on this training until now."""
        return time.monotonic() - self.started

    def _is_time_to_save(self, batches: int) -> bool:
        minutes = self.train.checkpoint_minutes
        if minutes is None or batches % self.train.accumulate:
            return False
        due: bool = self.workers.told(time.monotonic() - self.saved >= minutes * 60)
        return due

    def _save_within(self, batches: int, tally: EpochMeter) -> None:
        loss, correct, pictures = tally.of_all(self.workers)
        self.counters = replace(
            self.counters,
            batches=batches,
            steps=self.updater.steps,
            loss=loss,
            correct=correct,
            pictures=pictures,
        )
        self._save()

    def _save(self) -> None:
        self.counters = replace(self.counters, seconds=self.seconds())
        state = State(self.counters, self.updater.arrays())
        if self.workers.rank == 0:
            save_state(self.folder, state)
        self.saved = time.monotonic()
