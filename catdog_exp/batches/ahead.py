"""The next items made while the last one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")

# Items made and not yet asked for. More than one: on a busy machine each thread has to wait its turn, and would
# otherwise wait for the other one's as well.
AHEAD = 3

_END = object()


def made_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """The same items, made by a thread of their own up to AHEAD before they are asked for.

    An exception of `items` is raised in its item's place. The thread ends with the generator: at its end, when it
    is closed, when nobody holds it any more; it is waited for until the item that it is at is made.
    """
    thread = ThreadPoolExecutor(1, "batches")
    try:
        coming = deque(thread.submit(next, items, _END) for _ in range(AHEAD))
        while (item := coming.popleft().result()) is not _END:
            coming.append(thread.submit(next, items, _END))
            yield item  # type: ignore[misc]
    finally:
        thread.shutdown(cancel_futures=True)
