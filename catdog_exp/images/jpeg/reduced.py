"""JPEGs decoded at a half, a quarter or an eighth of their size, by compiled code."""

from __future__ import annotations

import threading

import numpy as np

from catdog_exp.images.headers import Header, exif_orientation
from catdog_exp.images.jpeg.layout import read_layout
from catdog_exp.images.jpeg.scan import decode_scan
from catdog_exp.images.jpeg.workspace import EXIF, EXIF_END, HEIGHT, WIDTH, new_workspace
from catdog_exp.images.resize import Pixels, fraction

POINTS = 8  # of a block's edge, at full size


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.workspace = new_workspace()


_of_thread = _OfThread()


def load() -> None:
    """Load the compiled code, or compile it where there is none, ahead of the first picture."""
    nothing, workspace = np.frombuffer(b"\0", np.uint8), new_workspace()
    read_layout(nothing, workspace)
    decode_scan(nothing, workspace, np.empty(0, np.uint8), 1)


def decode_reduced(data: bytes, short_edge: int, most_pixels: int) -> tuple[Header, Pixels] | None:
    """The JPEG in the bytes of a file, decoded at the fraction of its size that `resizing.fraction` gives.

    The pixels are those that OpenCV gives for the same fraction: BGR, (height, width, 3), as they are stored, not
    turned by the header's orientation.

    None for all that is to be left to OpenCV: another kind of picture or of JPEG (`layout.read_layout` says which it
    may be), full size, more than `most_pixels`, and whatever is not to the bit as it should be: then nothing is said
    here about what is wrong with it.
    """
    array = np.frombuffer(data, np.uint8)
    workspace = _of_thread.workspace
    if not read_layout(array, workspace):
        return None
    facts = workspace.facts.tolist()
    width, height = facts[WIDTH], facts[HEIGHT]
    reduction = fraction(min(width, height), short_edge)
    if reduction == 1 or width * height > most_pixels:
        return None
    picture = np.empty((-(-height // reduction), -(-width // reduction), 3), np.uint8)
    if not decode_scan(array, workspace, picture.reshape(-1), POINTS // reduction):
        return None
    orientation = exif_orientation(data[facts[EXIF] : facts[EXIF_END]]) if facts[EXIF] else 1
    return Header("JPEG", width, height, orientation), picture
