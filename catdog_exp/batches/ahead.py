"""The next items made while the last ones are used."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")

# Items handed over at once: to wake another thread can cost as much as a batch of small pictures.
TOGETHER = 4


def made_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """The same items, made by a thread of their own: the next TOGETHER ones while the last ones are used.

    An exception of `items` is raised in place of the items that were to be handed over with the one that it
    concerns. The thread ends with the generator: at its end, when it is closed, when nobody holds it any more; it
    is waited for until it has made what it is at.
    """

    def make(count: int) -> list[Item]:
        return list(islice(items, count))

    with ThreadPoolExecutor(1, "batches") as thread:
        coming = thread.submit(make, 1)  # so that work can start soon
        while made := coming.result():
            coming = thread.submit(make, TOGETHER)
            yield from made
