"""Folders that are there whole or not at all, and are made by one process while others wait."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock

MAKING = ".making"  # ends the name of the folder that another one is made in
OLD = ".old"  # ends the name of a folder that another one has taken the place of
OWNER = ".owner"  # ends the name of the file that says who holds a lock
LOOK_AGAIN = 0.2  # seconds between two looks at who holds the lock

log = logging.getLogger(__name__)


@contextmanager
def one_process_at(place: Path) -> Iterator[None]:
    """Hold the lock of `place`; where another process has it, wait, and log a line that says for whom.

    The lock of a process that ends, however it ends, is free again: the first of those that wait gets it.
    """
    lock = _wait_for_lock(place)
    owner = _owner_file(place)
    me = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now().isoformat(" ", "seconds")}
    try:
        owner.write_text(json.dumps(me))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def lock_if_free(place: Path) -> Iterator[bool]:
    """Hold the lock of `place` unless another process has it; True where it is held now."""
    from filelock import Timeout

    lock = _lock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def owner_of(place: Path) -> str:
    """Who holds the lock of `place`, for people: `process 17 on ada (since 2026-01-31 12:00:00)`."""
    try:
        owner = json.loads(_owner_file(place).read_text())
        return f"process {owner['pid']} on {owner['host']} (since {owner['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"  # it has only just got the lock


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """An empty folder beside `place` to write into; it takes the place of `place` at the end of the block.

    When the block ends by an exception nothing of it is left, and `place` is as it was. To be called while
    holding `place`'s lock; what processes that died have left beside it is removed first. Files that must
    outlast a power cut are to be handed to `write_through` before the block ends.
    """
    making, old = place.with_name(place.name + MAKING), place.with_name(place.name + OLD)
    for leftover in (making, old):
        shutil.rmtree(leftover, ignore_errors=True)
    remove_leftovers(place.parent)
    making.mkdir()
    try:
        yield making
        with suppress(FileNotFoundError):
            place.rename(old)
        making.rename(place)
        _sync(place.parent)
    finally:
        shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_through(folder: Path) -> None:
    """Have the files right in `folder`, and their names, on the disk itself when this returns."""
    for file in folder.iterdir():
        _sync(file)
    _sync(folder)


def remove_whole(place: Path) -> None:
    """Remove the folder `place`, whole at once for those who look, and its lock, which must be held."""
    old = place.with_name(place.name + OLD)
    shutil.rmtree(old, ignore_errors=True)
    place.rename(old)
    shutil.rmtree(old)
    # Who waits for the lock at this moment sees that its file is gone, and makes a new one.
    _lock_file(place).unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove from `folder` what processes that died while they made something there have left."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return
    for name in names:
        place = _place_of_leftover(folder, name)
        # A lock that can be had has no living owner. (Where nothing may be written nothing is removed.)
        with suppress(OSError):
            if place is not None:
                with lock_if_free(place) as held:
                    if held:
                        _remove(folder / name)


def _place_of_leftover(folder: Path, name: str) -> Path | None:
    for ending in (MAKING, OLD):
        if name.endswith(ending):
            return folder / name.removesuffix(ending)
    if name.startswith(".") and name.endswith(OWNER):
        return folder / name[1:].removesuffix(OWNER)
    return None


def _remove(leftover: Path) -> None:
    if leftover.is_dir():
        shutil.rmtree(leftover, ignore_errors=True)
    else:
        leftover.unlink(missing_ok=True)


def _wait_for_lock(place: Path) -> FileLock:
    from filelock import Timeout

    lock = _lock(place)
    told = None
    while True:
        try:
            lock.acquire(timeout=LOOK_AGAIN)
            return lock
        except Timeout:
            owner = owner_of(place)
            if owner != told:
                log.info("waiting for %s, at work on %s", owner, place)
            told = owner


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(place: Path) -> FileLock:
    from filelock import FileLock

    return FileLock(_lock_file(place))


def _lock_file(place: Path) -> Path:
    return place.with_name(f".{place.name}.lock")


def _owner_file(place: Path) -> Path:
    return place.with_name(f".{place.name}{OWNER}")
