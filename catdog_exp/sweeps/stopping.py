"""A sweep that is told to end lets its jobs end first."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from catdog_exp.errors import Terminated
from catdog_exp.sweeps.jobs import STOP

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
log = logging.getLogger(__name__)


@contextmanager
def stopping_in_order(folder: Path) -> Iterator[None]:
    """While the block runs, Ctrl-C, SIGTERM and SIGHUP ask the jobs of the sweep in `folder` to end; a second one
    ends the block at once. At its end the block raises what the first signal would have raised.
    """
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if came:
            _raise(number)
        came.append(number)
        why = "interrupted" if number == signal.SIGINT else "terminated"
        (folder / STOP).write_text(why, encoding="utf-8")
        log.info("%s: the jobs are told to end; once more ends the sweep at once", why)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number, handler in before.items():
            if handler != signal.SIG_IGN:  # as nohup sets it
                signal.signal(number, note)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        _raise(came[0])


def _raise(number: int) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated
