"""Items made ahead: the same ones, in order; errors surface; no thread is left."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from catdog_exp.batches.ahead import TOGETHER, made_ahead


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_the_items_come_in_order_and_the_thread_ends_with_them():
    assert list(made_ahead(iter(range(50)))) == list(range(50))
    assert threads() == []


def test_the_next_items_are_made_while_the_last_one_is_used_and_no_more_of_them():
    made = []

    def items() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    with closing(made_ahead(items())) as coming:
        assert next(coming) == 0
        deadline = time.monotonic() + 10
        while len(made) < 1 + TOGETHER and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert made == list(range(1 + TOGETHER))
    time.sleep(0.1)
    assert len(made) == 1 + TOGETHER
    assert threads() == []


def test_an_error_comes_when_its_item_would_have():
    def items() -> Iterator[int]:
        yield from range(1 + TOGETHER)
        raise ZeroDivisionError

    coming = made_ahead(items())
    assert [next(coming) for _ in range(1 + TOGETHER)] == list(range(1 + TOGETHER))
    with pytest.raises(ZeroDivisionError):
        next(coming)
    assert threads() == []


def test_an_interruption_of_who_uses_them_ends_the_thread():
    def use() -> None:
        for number in made_ahead(iter(range(50))):
            if number == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert threads() == []
