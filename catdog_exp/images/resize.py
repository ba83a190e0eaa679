"""Pictures brought to the size wanted."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from catdog_exp.images.unreadable import Unreadable

Pixels = NDArray[np.uint8]

LONGEST_EDGE = 65_500  # pixels; what libjpeg can encode
FRACTIONS = (8, 4, 2)  # of its size at which a JPEG can be decoded


def size_with(short_edge: int, width: int, height: int) -> tuple[int, int]:
    """Width and height of a `width` × `height` picture brought to this short edge; the aspect ratio is kept.

    Raises Unreadable for a picture so elongated that its long edge would go beyond what a JPEG holds.
    """
    shortest = min(width, height)
    small_width, small_height = (round(edge * short_edge / shortest) for edge in (width, height))
    if max(small_width, small_height) > LONGEST_EDGE:
        raise Unreadable(f"too elongated: {width} × {height} pixels")
    return small_width, small_height


def fraction(stored: int, wanted: int) -> int:
    """8, 4, 2 or 1: a JPEG is to be decoded at 1 / this of its size for a short edge of `wanted` pixels.

    stored: its own short edge, of which at least twice the one wanted is left.
    """
    for factor in FRACTIONS:
        if stored >= 2 * wanted * factor:
            return factor
    return 1


def resize(picture: Pixels, width: int, height: int) -> Pixels:
    """The picture at this size; where it has it already, the array itself.

    Shrinking averages over areas, very nearly: bilinear to 2, 4, 8 … times the size wanted, the last of these
    below the picture's own, then means of 2 × 2 pixels. OpenCV has vector instructions for both, and none for areas
    of broken numbers of pixels. Enlarging is Lanczos's: OpenCV's bicubic gives other bytes on other processors.
    """
    given_height, given_width = picture.shape[:2]
    if (given_width, given_height) == (width, height):
        return picture
    factor = min(given_width / width, given_height / height)
    if factor < 1:
        return _resize(picture, width, height, cv2.INTER_LANCZOS4)
    halvings = max(1, int(factor).bit_length() - 1)
    picture = _resize(picture, width << halvings, height << halvings, cv2.INTER_LINEAR)
    for left in reversed(range(halvings)):
        picture = _resize(picture, width << left, height << left, cv2.INTER_AREA)
    return picture


def _resize(picture: Pixels, width: int, height: int, method: int) -> Pixels:
    return cast("Pixels", cv2.resize(picture, (width, height), interpolation=method))


def center_crop(picture: Pixels, size: int) -> Pixels:
    """A view of the middle `size` × `size` pixels; both edges must have at least that."""
    height, width = picture.shape[:2]
    top, left = (height - size) // 2, (width - size) // 2
    return picture[top : top + size, left : left + size]
