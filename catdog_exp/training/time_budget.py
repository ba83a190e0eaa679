"""How many epochs fit into a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

TRIALS = 5
RESERVE = 0.92  # share of the time that is planned for: machines are not equally fast all the time


def planned_epochs(
    asked: int, minutes: float, steps: int, batch: Callable[[], object], validate: Callable[[], object]
) -> int:
    """As many epochs as fit into `minutes`, at least 1 and at most `asked`; another time it may be others.

    batch: computes one of an epoch's `steps` batches, and waits for it. validate: validates once.
    """
    batch()
    validate()  # the first ones also build what the later ones use
    took = sorted(_seconds(batch) for _ in range(TRIALS))[TRIALS // 2]
    epoch = steps * took + _seconds(validate)
    fitting = max(1, min(asked, int(minutes * 60 * RESERVE / epoch)))
    log.info(
        "planned for %d of %d epochs: %.1f s an epoch, %.3g min left of train.max_minutes (by the clock: the same "
        "command may plan otherwise another time, and end with another network)",
        *(fitting, asked, epoch, minutes),
    )
    return fitting


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
