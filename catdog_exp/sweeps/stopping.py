"""A sweep that is told to end lets its jobs end first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from catdog_exp.errors import Terminated

SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
PATIENCE = 6.0  # seconds that a job's process has to end by itself once it is told to


@contextmanager
def signals_noted() -> Iterator[list[str]]:
    """While the block runs, Ctrl-C, SIGTERM and SIGHUP are noted in the list that it is given.

    At its end the block raises what the first one would have raised.
    """
    came: list[str] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append("interrupted" if number == signal.SIGINT else "terminated")

    heard = {each for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN}  # as nohup sets it
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            raise (KeyboardInterrupt if came[0] == "interrupted" else Terminated) from None
