"""Work that goes on in a thread of its own for as long as a block runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_background(name: str, work: Callable[[threading.Event], None], patience: float | None = None) -> Iterator[None]:
    """Call `work` in a thread while the block runs; it is to return soon after the event that it is given is set.

    patience: seconds that the block's end waits for it, None: any time. What hangs longer ends with the process.
    """
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(patience)
