"""The training loop: epochs of steps, the metrics of each epoch, and its checkpoints."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.batches.batches import plain_batches, steps_per_epoch, train_batches
from catdog_exp.errors import UserError
from catdog_exp.mx import context, mx
from catdog_exp.networks.blocks import fuse_for
from catdog_exp.networks.network import Network
from catdog_exp.networks.parameters import arrays
from catdog_exp.schema import AugmentConfig, HardwareConfig, TrainConfig
from catdog_exp.training.checkpoint import Checkpoint, params_sha256, save_checkpoint
from catdog_exp.training.objective import SPEED, check_objective, is_better
from catdog_exp.training.progress import EpochProgress

if TYPE_CHECKING:
    from catdog_exp.batches.decoded import DecodedPictures

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    best_epoch, best_value: the epoch with the best objective, counted from 1, and that value.
    epochs_done: fewer than asked for when it stopped early.
    last, best: checkpoint files after the last and after the best epoch.
    history: each epoch's metrics, in order.
    params_sha256: digest of the parameters after the last epoch.
    """

    best_epoch: int
    best_value: float
    epochs_done: int
    last: Path
    best: Path
    history: list[dict[str, float]]
    params_sha256: str


def train(
    network: Network,
    train: TrainConfig,
    augment: AugmentConfig,
    hardware: HardwareConfig,
    objective: str,
    train_pictures: DecodedPictures,
    validation_pictures: DecodedPictures,
    classes: list[str],
    folder: Path,
    on_epoch: Callable[[int, dict[str, float]], None],
) -> Trained:
    """Train a new network, from seeded first weights.

    After each epoch it writes `last.safetensors` into `folder`, and `best.safetensors` when the epoch
    has the best `objective` so far; then it calls `on_epoch` with the epoch, counted from 1, and its metrics.
    Equal arguments give equal bytes in both files on the same kind of processor with the same number of
    threads. Another number of threads changes the last digits: sums are then split in other places.

    Raises UserError when the objective is no metric, a side has no pictures, the device cannot be used, or
    the loss is no longer a number.
    """
    check_objective(objective)
    if not (len(train_pictures) and len(validation_pictures)):
        raise UserError(
            f"{len(train_pictures)} pictures to train on and {len(validation_pictures)} to validate with: "
            "both need at least one, change data.split_ratio"
        )
    trainee = _Trainee(network, train, augment, hardware, train_pictures, validation_pictures, len(classes))
    last, best = folder / "last.safetensors", folder / "best.safetensors"
    history: list[dict[str, float]] = []
    best_epoch, best_value = 0, None
    for epoch in range(1, train.epochs + 1):
        metrics = trainee.epoch(epoch)
        history.append(metrics)
        lasting = {name: value for name, value in metrics.items() if name != SPEED}
        checkpoint = Checkpoint(
            network,
            classes,
            train_pictures.size,
            epoch,
            lasting,
            objective,
            train.seed,
            arrays(trainee.block),
        )
        save_checkpoint(last, checkpoint)
        if is_better(objective, metrics[objective], best_value):
            best_epoch, best_value = epoch, metrics[objective]
            save_checkpoint(best, checkpoint)
        on_epoch(epoch, metrics)
        if train.patience is not None and epoch - best_epoch >= train.patience:
            log.info("stopped after epoch %d: no better %s since epoch %d", epoch, objective, best_epoch)
            break
    assert best_value is not None
    return Trained(best_epoch, best_value, len(history), last, best, history, params_sha256(checkpoint.parameters))


class _Trainee:
    """A network on its device, with its optimizer and its pictures."""

    def __init__(
        self,
        network: Network,
        train: TrainConfig,
        augment: AugmentConfig,
        hardware: HardwareConfig,
        train_pictures: DecodedPictures,
        validation_pictures: DecodedPictures,
        classes: int,
    ) -> None:
        self.train = train
        self.augment = augment
        self.batch_size = hardware.batch_size
        self.train_pictures = train_pictures
        self.validation_pictures = validation_pictures
        self.context = context(hardware.device)
        self.block = self._first_weights(network, train_pictures.size, classes)
        self.loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
        self.loss.hybridize(static_alloc=True, static_shape=True)
        self.optimizer = mx.gluon.Trainer(self.block.collect_params(), train.optimizer.create(train.lr), kvstore=None)

    def _first_weights(self, network: Network, size: int, classes: int) -> Any:
        mx.random.seed(self.train.seed)
        block = network.build(size, classes)
        fuse_for(self.context, block)
        block.initialize(mx.init.Xavier(), ctx=self.context)  # uniform after Glorot and Bengio, 2010
        block(mx.nd.zeros((1, 3, size, size), ctx=self.context))  # the first input settles shapes and weights
        block.hybridize(static_alloc=True, static_shape=True)
        return block

    def epoch(self, epoch: int) -> dict[str, float]:
        """Train for one epoch, counted from 1, and validate; its metrics."""
        # Dropout draws from MXNet's generator: seeded anew, an epoch does not depend on what drew before.
        mx.random.seed(_epoch_seed(self.train.seed, epoch))
        with EpochProgress(epoch, self.train.epochs, len(self.train_pictures)) as progress:
            metrics = self._train_epoch(epoch, progress)
            metrics.update(self._validate(epoch))
            progress.done(metrics)
        return metrics

    def _train_epoch(self, epoch: int, progress: EpochProgress) -> dict[str, float]:
        steps = steps_per_epoch(len(self.train_pictures), self.batch_size)
        tally = _Tally(epoch, progress)
        started = time.perf_counter()
        batches = train_batches(self.train_pictures, self.augment, self.batch_size, self.train.seed, epoch)
        for step, (squares, labels) in enumerate(batches):
            done = (epoch - 1) * steps + step
            rate = self.train.lr * self.train.schedule.factor(done, self.train.epochs * steps, steps)
            self.optimizer.set_learning_rate(rate)
            inputs, targets = self._on_device(squares), mx.nd.array(labels, ctx=self.context)
            with mx.autograd.record():
                logits = self.block(inputs)
                losses = self.loss(logits, targets)
            losses.backward()
            self.optimizer.step(len(labels))
            correct = logits.argmax(axis=1) == targets
            tally.add(step + 1, rate, len(labels), mx.nd.stack(losses.sum(), correct.sum()))
        tally.settle()
        return {
            "train/loss": tally.loss / tally.pictures,
            "train/accuracy": tally.correct / tally.pictures,
            "lr": rate,
            SPEED: tally.pictures / (time.perf_counter() - started),
        }

    def _validate(self, epoch: int) -> dict[str, float]:
        loss, correct = 0.0, 0
        for squares, labels, count in plain_batches(self.validation_pictures, self.batch_size):
            logits = self.block(self._on_device(squares)).asnumpy()[:count].astype(np.float64)
            truth = labels[:count]
            shifted = logits - logits.max(axis=1, keepdims=True)
            log_sums = np.log(np.exp(shifted).sum(axis=1))
            loss += float((log_sums - shifted[np.arange(count), truth]).sum())
            correct += int((logits.argmax(axis=1) == truth).sum())
        if not math.isfinite(loss):
            raise UserError(
                f"epoch {epoch}: the validation loss is {loss}: try a smaller train.lr than {self.train.lr:g}"
            )
        pictures = len(self.validation_pictures)
        return {"val/loss": loss / pictures, "val/accuracy": correct / pictures}

    def _on_device(self, squares: NDArray[np.uint8]) -> Any:
        return mx.nd.array(squares, ctx=self.context, dtype=np.uint8).astype(np.float32)


class _Tally:
    """An epoch's loss and hits so far, read one step late, so that the device never waits for the reading."""

    def __init__(self, epoch: int, progress: EpochProgress) -> None:
        self.loss = 0.0
        self.correct = 0.0
        self.pictures = 0
        self._epoch = epoch
        self._progress = progress
        self._unread: tuple[int, float, int, Any] | None = None

    def add(self, step: int, rate: float, pictures: int, sums: Any) -> None:
        """A step is under way; `sums` on the device will hold its summed loss and its number of hits."""
        self.settle()
        self._unread = (step, rate, pictures, sums)

    def settle(self) -> None:
        """Read the step that is still unread, if any."""
        if self._unread is None:
            return
        step, rate, pictures, sums = self._unread
        self._unread = None
        loss, correct = map(float, sums.asnumpy().ravel())
        if not math.isfinite(loss):
            raise UserError(
                f"epoch {self._epoch}, step {step}: the loss is {loss} at a learning rate of {rate:g}: "
                "try a smaller train.lr"
            )
        self.loss += loss
        self.correct += correct
        self.pictures += pictures
        self._progress.step(pictures, self.loss / self.pictures, self.correct / self.pictures)


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0] % 2**31)
