"""How a camera was held, and the picture turned upright."""

from __future__ import annotations

from typing import cast

import cv2

from catdog_exp.images.resize import Pixels

ORIENTATION = 274  # the tag in EXIF
# An orientation is a mirroring or none (left to right), then a rotation or none.
MIRRORED = {2, 4, 5, 7}
SIDEWAYS = {5, 6, 7, 8}
ROTATIONS = {
    **dict.fromkeys((3, 4), cv2.ROTATE_180),
    **dict.fromkeys((6, 7), cv2.ROTATE_90_CLOCKWISE),
    **dict.fromkeys((5, 8), cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def orientation_in(exif: bytes) -> int:
    """The orientation in an EXIF block, 1..8; 1 where it has none, or one that does not exist, or is damaged."""
    if not exif:
        return 1
    from PIL import Image

    tags = Image.Exif()
    try:
        tags.load(exif)
        orientation = int(tags.get(ORIENTATION, 1))
    except Exception:  # Pillow lets through whatever it runs into
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def turned(picture: Pixels, orientation: int) -> Pixels:
    """The picture as it was seen when it was taken."""
    if orientation in MIRRORED:
        picture = cast("Pixels", cv2.flip(picture, 1))
    if orientation in ROTATIONS:
        picture = cast("Pixels", cv2.rotate(picture, ROTATIONS[orientation]))
    return picture
