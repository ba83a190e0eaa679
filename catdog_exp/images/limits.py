"""How large pictures may be, and how much memory may be in flight while several threads decode them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from catdog_exp.images.unreadable import Unreadable

MAX_PIXELS = 89_478_485  # Pillow's figure: a quarter of a GiB at three bytes a pixel
BYTES_A_PIXEL = 8  # in flight for each pixel that is allowed: a PNG takes 7, and its file
LEAST_MEMORY = 2**28  # bytes, however few pixels are allowed


class DecodingLimits:
    """The limits that all threads of one job share.

    max_pixels: of one picture, as its file declares them. memory: bytes for all threads together, 0.7 GB for
    MAX_PIXELS.
    """

    def __init__(self, max_pixels: int = MAX_PIXELS) -> None:
        self.max_pixels = max_pixels
        self.memory = max(LEAST_MEMORY, BYTES_A_PIXEL * max_pixels)
        self._free = self.memory
        self._changed = Condition()

    def check(self, width: int, height: int) -> None:
        """Raise Unreadable for a picture that declares more than `max_pixels`."""
        if width * height > self.max_pixels:
            raise Unreadable(
                f"too large: it declares {width:,} × {height:,} pixels, more than data.max_pixels={self.max_pixels}"
            )

    @contextmanager
    def memory_of(self, needed: int) -> Iterator[None]:
        """Wait until so many bytes are free, and hold them. Raises Unreadable where there are never as many."""
        if needed > self.memory:
            raise Unreadable(
                f"too large: decoding it takes {needed / 1e6:,.0f} MB, more than the {self.memory / 1e6:,.0f} MB of "
                f"data.max_pixels={self.max_pixels}"
            )
        with self._changed:
            self._changed.wait_for(lambda: needed <= self._free)
            self._free -= needed
        try:
            yield
        finally:
            with self._changed:
                self._free += needed
                self._changed.notify_all()
