"""Short pieces of work that signals wait for."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from catdog_exp.errors import Terminated, terminate
from catdog_exp.tracking.interrupts import uninterrupted

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def at(number: signal.Signals, handler: signal.Handlers | None = None) -> Iterator[None]:
    """While the block runs, the signal raises Terminated, or is dealt with as `handler` says."""
    before = signal.signal(number, terminate if handler is None else handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_waits_for_the_end_of_the_block(number):
    done = []
    with at(number):
        with pytest.raises(Terminated), uninterrupted():
            signal.raise_signal(number)
            done.append(number)
        assert signal.getsignal(number) is terminate
    assert done == [number]


def test_the_first_of_several_signals_is_the_one_that_is_delivered_but_for_those_that_are_ignored():
    with ExitStack() as handlers:
        handlers.enter_context(at(signal.SIGHUP, signal.SIG_IGN))  # as nohup sets it
        handlers.enter_context(at(signal.SIGTERM))
        with pytest.raises(Terminated), uninterrupted():
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
        with uninterrupted():
            signal.raise_signal(signal.SIGHUP)
