"""A picture as a pack holds it: a JPEG once more."""

from __future__ import annotations

import cv2

from catdog_exp.images.resize import Pixels
from catdog_exp.images.unreadable import Unreadable


def as_packed(picture: Pixels, quality: int) -> bytes:
    """A JPEG of a BGR picture. quality: 1..100. Raises Unreadable where there is none of it."""
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise Unreadable("cannot be encoded as a JPEG")
    return jpeg.tobytes()
