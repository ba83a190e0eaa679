"""Many pictures worked on by several threads, the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import cv2

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4  # items in work or done and not yet asked for, for each thread: bounds the memory


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Generator[Result, None, None]:
    """`work` of each item, in the order of `items`, done by `threads` threads a few items ahead.

    Threads are enough since reading files, OpenCV's codecs and hashing let go of the interpreter. Close
    the iterator (`contextlib.closing`) where it may be left before its end. An exception in `work` is
    raised in its item's place.
    """
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # each thread has a picture of its own: more inside OpenCV would only get in the way
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(opencv_threads)
