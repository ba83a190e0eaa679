"""Many pictures worked on by several threads, the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import Event
from typing import TypeVar

import cv2

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4  # chunks in work or done and not yet asked for, for each thread


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, ahead: int = AHEAD
) -> Generator[Result, None, None]:
    """`work` of each item, in the order of `items`, done by `threads` threads a few items ahead.

    Threads are enough since reading files, OpenCV's codecs and hashing let go of the interpreter. Close
    the iterator (`contextlib.closing`) where it may be left before its end. An exception in `work` is
    raised in its item's place.

    ahead: items in work or done and not yet asked for, for each thread, at least 1: bounds the memory.
    """
    for (result,) in chunks_in_order(work, items, threads, size=1, ahead=ahead):
        yield result


def chunks_in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, size: int, ahead: int = AHEAD
) -> Generator[list[Result], None, None]:
    """As `in_order`, with the results of `size` items at a time (fewer at the end).

    A thread takes a whole chunk: where the work on an item takes well under a millisecond, handing items
    over one by one would cost a good part of that. An exception in `work` is raised in its chunk's place.
    When the iterator is closed or interrupted, each thread stops after the item that it is at.

    ahead: as in `in_order`, in chunks.
    """
    stopped = Event()

    def work_on(chunk: list[Item]) -> list[Result]:
        results = []
        for item in chunk:
            if stopped.is_set():
                break
            results.append(work(item))
        return results

    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # each thread has a picture of its own: more inside OpenCV would only get in the way
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[list[Result]]] = deque()
    remaining = iter(items)
    try:
        while chunk := list(islice(remaining, size)):
            waiting.append(pool.submit(work_on, chunk))
            if len(waiting) > ahead * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(opencv_threads)
