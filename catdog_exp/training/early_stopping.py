"""When a training ends before the last of its planned epochs."""

from __future__ import annotations

import logging
from collections.abc import Callable

from catdog_exp.training.config import TrainConfig
from catdog_exp.training.training_state import Counters

log = logging.getLogger(__name__)


def is_over(counters: Counters, train: TrainConfig, are_over: Callable[[float], bool]) -> bool:
    """Whether no further epoch is to be done; where that is early, the log says why.

    are_over: whether so many minutes of training have passed, for all workers alike.
    """
    if counters.epoch >= counters.epochs:
        return True
    waited = counters.epoch - counters.best_epoch
    if train.patience is not None and counters.epoch and waited >= train.patience:
        log.info("stopped after epoch %d: no better objective since epoch %d", counters.epoch, counters.best_epoch)
        return True
    if train.max_minutes is not None and counters.epoch and are_over(train.max_minutes):
        log.warning("stopped after epoch %d: train.max_minutes=%g are over", counters.epoch, train.max_minutes)
        return True
    return False
