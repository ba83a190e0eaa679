"""Folders that are there whole or not at all, and are made by one process while others wait."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

MAKING = ".making"  # ends the name of the folder that another one is made in

log = logging.getLogger(__name__)


@contextmanager
def one_process_at(place: Path) -> Iterator[None]:
    """Hold the lock of the folder `place`; one line is logged where another process has it.

    The lock of a process that ends, however it ends, is free again.
    """
    lock = _lock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that makes %s", place)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """An empty folder beside `place` to write into; it takes the place of `place` at the end of the block.

    When the block ends by an exception nothing of it is left. To be called while holding `place`'s lock;
    what processes that died have left of their own folders beside it is removed first.
    """
    making = place.with_name(place.name + MAKING)
    shutil.rmtree(making, ignore_errors=True)
    _remove_leftovers(place.parent)
    making.mkdir()
    try:
        yield making
        shutil.rmtree(place, ignore_errors=True)
        making.rename(place)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob(f"*{MAKING}"):
        try:
            # A lock that can be had has no living owner.
            with _lock(leftover.with_suffix("")).acquire(timeout=0):
                shutil.rmtree(leftover, ignore_errors=True)
        except Timeout:
            continue


def _lock(place: Path) -> FileLock:
    return FileLock(place.with_name(f".{place.name}.lock"))
