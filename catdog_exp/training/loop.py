"""The training loop: epochs of steps, the metrics of each epoch, and its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from catdog_exp.data.config import AugmentConfig
from catdog_exp.errors import UserError
from catdog_exp.networks.network import Network
from catdog_exp.training.checkpoint import Checkpoint, params_sha256, save_checkpoint
from catdog_exp.training.config import HardwareConfig, TrainConfig
from catdog_exp.training.distributed.process_group import ProcessGroup
from catdog_exp.training.learned import Learned
from catdog_exp.training.objective import SPEED, check_objective, is_better
from catdog_exp.training.range_test import Curve
from catdog_exp.training.step_profile import StepProfile, profile_steps
from catdog_exp.training.trainer import Trainer
from catdog_exp.training.training_state import BEST, put_best, save_best

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures


@dataclass(frozen=True)
class Begun:
    """What is known of a training before its first epoch.

    lr: the highest learning rate. curve: of the range test that has found it, None where it was given.
    profile: of its steps, None where none was asked for, or it goes on from an earlier state.
    """

    lr: float
    curve: Curve | None
    profile: StepProfile | None


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    best_epoch, best_value: the epoch with the best objective, counted from 1, and that value.
    last, best: checkpoint files after the last and after the best epoch, which worker 0 alone writes.
    history: the metrics of each epoch done, in order.
    params_sha256: digest of the parameters after the last epoch.
    """

    best_epoch: int
    best_value: float
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
    threads: int = 1,
    given: Mapping[str, NDArray[Any]] | None = None,
    workers: ProcessGroup | None = None,
    pack: str = "",
    learned: Learned | None = None,
    validated: Learned | None = None,
    quality: int | None = None,
    on_begin: Callable[[Begun], None] | None = None,
) -> Trained:
    """Train a network, from seeded first weights, and keep in `folder` what is needed to go on.

    After each epoch, and every `train.checkpoint_minutes`, it writes its state into `folder`; where a state
    is there already, it goes on from it, with the checkpoint that has had the best `objective` until there. At the
    end it writes `best.safetensors` and `last.safetensors`. It calls `on_epoch` for each epoch, those done before
    included, with its number, counted from 1, and its metrics; before them, once, `on_begin`.

    threads: how much is computed at once. given: weights to start from in place of seeded ones, where name and
    shape are the network's. workers: that train together, each with these same arguments; worker 0 alone writes
    files and validates. None: this process alone. pack: fingerprint of the pack, for the checkpoint. learned: the
    pictures that it will have been trained on at the end, None where they are not known. validated: those that its
    best epoch is chosen on. quality: of the packed JPEGs, for the checkpoint.

    Equal arguments give equal bytes in both files on the same kind of processor, for any number of threads
    and however often the training was interrupted.

    Raises UserError when the objective is no metric, a side has no pictures, the device cannot be used,
    nothing given fits the network, or the loss is no longer a number; LostWorker when another worker is gone.
    """
    workers = workers or ProcessGroup()
    check_objective(objective)
    if not (len(train_pictures) and len(validation_pictures)):
        raise UserError(
            f"{len(train_pictures)} pictures to train on and {len(validation_pictures)} to validate with: "
            "both need at least one, change data.split_ratio"
        )
    trainer = Trainer(
        network,
        train,
        augment,
        hardware,
        train_pictures,
        validation_pictures,
        len(classes),
        folder,
        threads,
        given or {},
        workers,
    )
    last = folder / "last.safetensors"
    known = learned or Learned(complete=False)

    def checkpoint(epoch: int, metrics: Mapping[str, float]) -> Checkpoint:
        lasting = {name: value for name, value in metrics.items() if name != SPEED}
        parameters = trainer.updater.parameters()
        size, seed = train_pictures.size, train.seed
        return Checkpoint(
            network,
            classes,
            size,
            epoch,
            lasting,
            objective,
            seed,
            train.mirrored,
            pack,
            known.encoded(),
            known.complete,
            (validated or Learned()).encoded(),
            quality,
            parameters,
        )

    counters = trainer.counters
    profile = profile_steps(trainer) if train.profile and not trainer.updater.steps else None
    if on_begin is not None:
        on_begin(Begun(trainer.lr, counters.curve, profile))
    for epoch, metrics in enumerate(counters.history, 1):
        on_epoch(epoch, metrics)
    while not trainer.finished(objective):
        metrics = trainer.epoch()
        epoch = trainer.counters.epoch + 1
        if is_better(objective, metrics[objective], trainer.counters.best_value):
            trainer.best(epoch, metrics[objective])
            best = checkpoint(epoch, metrics)
            if workers.rank == 0:
                save_best(folder, best)
        trainer.epoch_done(metrics)
        on_epoch(epoch, metrics)
    counters = trainer.counters
    assert counters.best_value is not None
    final = checkpoint(counters.epoch, counters.history[-1])
    if workers.rank == 0:
        save_checkpoint(last, final)
        put_best(folder, counters.best_epoch)
    return Trained(
        counters.best_epoch,
        counters.best_value,
        last,
        folder / BEST,
        counters.history,
        params_sha256(final.parameters),
    )
