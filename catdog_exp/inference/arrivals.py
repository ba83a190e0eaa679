"""Pictures that arrive in a folder."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from catdog_exp.inference.named_pictures import natural
from catdog_exp.inference.pictures import PictureFile
from catdog_exp.sources.finding import pictures_inside

LOOK_EVERY = 0.5  # seconds
QUIET = 1.0  # seconds for which a file's size and time must not have changed

Version = tuple[int, int]  # size in bytes, and time of the last change in nanoseconds


def arrivals(folder: Path) -> Iterator[list[PictureFile]]:
    """The pictures in a folder and below it, without end: at each look those whose files have stopped changing.

    Each is given once; one that changes later is given anew.
    """
    given: dict[Path, Version] = {}
    waiting: dict[Path, tuple[Version, float]] = {}  # since when it is as it is
    while True:
        now = time.monotonic()
        seen: dict[Path, tuple[Version, float]] = {}
        ready = []
        for name in pictures_inside(folder, "", Counter(), natural):
            path = folder / name
            try:
                stat = path.stat()
            except OSError:  # it is gone again
                continue
            version = (stat.st_size, stat.st_mtime_ns)
            if given.get(path) == version:
                continue
            known, since = waiting.get(path, (version, now))
            since = since if known == version else now
            if now - since >= QUIET:
                given[path] = version
                ready.append(PictureFile(path))
            else:
                seen[path] = (version, since)
        waiting = seen
        yield ready
        time.sleep(LOOK_EVERY)
