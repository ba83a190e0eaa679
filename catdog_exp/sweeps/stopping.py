"""A sweep that is told to end lets its jobs end first."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from catdog_exp.background import in_background
from catdog_exp.errors import Terminated
from catdog_exp.sweeps.jobs import STOP

SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
log = logging.getLogger(__name__)


@contextmanager
def stopping_in_order(folder: Path) -> Iterator[None]:
    """While the block runs, Ctrl-C, SIGTERM and SIGHUP ask the jobs of the sweep in `folder` to end; a second one
    kills them. At its end the block raises what the first signal would have raised.

    Processes that are started meanwhile have these signals blocked: a terminal sends them to all of a command's
    processes, and a launcher whose workers die so ends everything at once. A job's own process unblocks them.
    """
    heard = {each for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN}  # as nohup sets it
    came: list[int] = []

    def note(number: int, _frame: FrameType | None = None) -> None:
        came.append(number)
        if len(came) > 1:
            import psutil

            for process in psutil.Process().children(recursive=True):
                process.kill()
            return
        why = "interrupted" if number == signal.SIGINT else "terminated"
        (folder / STOP).write_text(why, encoding="utf-8")
        log.info("%s: the jobs are told to end; once more kills them", why)

    before = {number: signal.signal(number, note) for number in heard}  # for threads that do not block them
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    try:
        with in_background("signals", partial(_listen, heard, note)):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        if came:
            raise (KeyboardInterrupt if came[0] == signal.SIGINT else Terminated) from None


def _listen(heard: set[signal.Signals], note: Callable[[int], None], over: threading.Event) -> None:
    while not over.is_set():
        if (found := signal.sigtimedwait(heard, 0.2)) is not None:
            note(found.si_signo)


def hear_signals() -> None:
    """Unblock in this process what a sweep has blocked for all that it starts."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
