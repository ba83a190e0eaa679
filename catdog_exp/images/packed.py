"""A picture as a pack holds it: a JPEG once more."""

from __future__ import annotations

from typing import cast

import cv2
import simplejpeg

from catdog_exp.images.resize import Pixels
from catdog_exp.images.unreadable import Unreadable


def as_packed(picture: Pixels, quality: int) -> bytes:
    """A JPEG of a BGR picture. quality: 1..100. Raises Unreadable where there is none of it."""
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise Unreadable("cannot be encoded as a JPEG")
    return jpeg.tobytes()


def packed_and_read(picture: Pixels, quality: int) -> Pixels:
    """A BGR picture as a pack gives it back: RGB. quality, errors: as `as_packed` has them."""
    # Past the checks of `decode.decode_picture`, which cost three times the decoding: it is our own JPEG.
    return cast("Pixels", simplejpeg.decode_jpeg(as_packed(picture, quality), "RGB"))
