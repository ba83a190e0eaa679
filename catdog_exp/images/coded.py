"""A picture file whose header has been read, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from catdog_exp.images.resize import Pixels


class Coded(NamedTuple):
    """A picture that is still to be decoded.

    width, height: pixels, as stored. memory: bytes that decoding takes at most, beside those of the file.
    decode: gives the picture as it is stored, BGR, (height, width, 3) or a fraction of that, and its EXIF block;
        to be called once.
    """

    width: int
    height: int
    memory: int
    decode: Callable[[], tuple[Pixels, bytes]]
