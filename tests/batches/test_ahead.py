"""Items made one ahead: the same ones, in order; errors surface; no thread is left."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from catdog_exp.batches.ahead import one_ahead


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_the_items_come_in_order_and_the_thread_ends_with_them():
    assert list(one_ahead(iter(range(50)))) == list(range(50))
    assert threads() == []


def test_the_next_item_is_made_while_the_last_one_is_used():
    made = []

    def items() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            yield number

    with closing(one_ahead(items())) as coming:
        assert next(coming) == 0
        deadline = time.monotonic() + 10
        while len(made) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert made == [0, 1]
    assert threads() == []


def test_an_error_comes_in_its_item_s_place():
    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    coming = one_ahead(items())
    assert next(coming) == 1
    with pytest.raises(ZeroDivisionError):
        next(coming)
    assert threads() == []


def test_an_interruption_of_who_uses_them_ends_the_thread():
    def use() -> None:
        for number in one_ahead(iter(range(50))):
            if number == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert threads() == []
