"""The next item made while the last one is used."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")

_END = object()


def one_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """The same items, each made by a thread of its own while the one before is used.

    An exception of `items` is raised in its item's place. The thread ends with the generator: at its end, when it
    is closed, when nobody holds it any more; it is waited for until the item that it is at is made.
    """
    with ThreadPoolExecutor(1, "batches") as thread:
        coming = thread.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = thread.submit(next, items, _END)
            yield item  # type: ignore[misc]
