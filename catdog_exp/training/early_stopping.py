"""When a training ends before the last of its planned epochs."""

from __future__ import annotations

import logging
from collections.abc import Callable

from catdog_exp.training.config import TrainConfig
from catdog_exp.training.objective import is_better
from catdog_exp.training.training_state import Counters

log = logging.getLogger(__name__)


def is_over(counters: Counters, train: TrainConfig, objective: str, are_over: Callable[[float], bool]) -> bool:
    """Whether no further epoch is to be done; where that is early, the log says why.

    are_over: whether so many minutes of training have passed, for all workers alike.
    """
    if counters.epoch >= counters.epochs:
        return True
    if is_reached(train.target, objective, counters.best_value):
        return True
    waited = counters.epoch - counters.best_epoch
    if train.patience is not None and counters.epoch and waited >= train.patience:
        log.info("stopped after epoch %d: no better objective since epoch %d", counters.epoch, counters.best_epoch)
        return True
    if train.max_minutes is not None and counters.epoch and are_over(train.max_minutes):
        log.warning("stopped after epoch %d: train.max_minutes=%g are over", counters.epoch, train.max_minutes)
        return True
    return False


def is_reached(target: float | None, objective: str, best: float | None) -> bool:
    """Whether there is a target, and the objective's best value is as good."""
    return target is not None and best is not None and not is_better(objective, target, best)


def target_line(target: float, objective: str, best: float) -> str:
    """Whether the objective has reached the target, and what that says, in one line."""
    learns = objective.startswith("train/")
    if is_reached(target, objective, best):
        return f"{objective} has reached train.target={target:g}" + ": the network can learn" * learns
    line = f"{objective} has not reached train.target={target:g}, its best value is {best:.4f}"
    advice = ": the network does not learn; try train.lr=find, and see in preview.png whether the labels are right"
    return line + advice * learns
