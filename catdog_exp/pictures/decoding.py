"""Picture files to arrays of pixels, and arrays to the size wanted."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

LONGEST_EDGE = 65_500  # pixels; what libjpeg can encode
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
JPEG_START = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
PNG_START = b"\x89PNG\r\n\x1a\n"
START_OF_SCAN = 0xDA
# Markers of a JPEG's frame header, which holds its size: C0 to CF but for tables (C4, CC) and C8, not in use.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

cv2.setLogLevel(0)  # what cannot be decoded is told by Unreadable; OpenCV would also write to stderr


class Unreadable(Exception):
    """A picture that cannot be had; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class JpegHeader:
    """Size in pixels as stored (before the EXIF orientation), and where the first scan starts in the file."""

    height: int
    width: int
    scan: int


def read_picture(path: Path, short_edge: int | None = None) -> Pixels:
    """The picture in a file: BGR, uint8, shape (height, width, 3), turned as its EXIF orientation says.

    short_edge: where the picture will be shrunk to this many pixels anyway, a JPEG is decoded at a half, a
    quarter or an eighth of its size, as long as its short edge keeps at least twice that; None: in full.
    Raises Unreadable: missing, no permission, empty, cut short, or not a picture.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Unreadable("no such file") from None
    except PermissionError:
        raise Unreadable("no permission to read it") from None
    except OSError as error:
        raise Unreadable(error.strerror or "cannot be read") from None
    return decode_picture(data, short_edge)


def decode_picture(data: bytes, short_edge: int | None = None) -> Pixels:
    """The picture in the bytes of a file; otherwise as `read_picture`."""
    if not data:
        raise Unreadable("empty file")
    flag = cv2.IMREAD_COLOR
    if data.startswith(JPEG_START):
        header = _jpeg_header(data)
        # An end before the first scan may be a thumbnail's; inside of a scan's data none can stand.
        if data.find(JPEG_END, header.scan if header else 0) < 0:
            raise Unreadable("cut short: a JPEG without its end")
        if header and short_edge is not None:
            flag = _reduction(min(header.height, header.width), short_edge)
    elif data.startswith(PNG_START) and b"IEND" not in data:
        raise Unreadable("cut short: a PNG without its end")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise Unreadable(f"cannot be decoded ({error.err})") from None
    if picture is None:
        raise Unreadable("not a picture, or a damaged one")
    return picture.astype(np.uint8, copy=False)


def _jpeg_header(data: bytes) -> JpegHeader | None:
    """The header of a JPEG, or None where it is damaged or has no scan."""
    size = None
    position = 2
    try:
        while data[position] == 0xFF:
            marker = data[position + 1]
            if marker == 0xFF:  # a filling byte
                position += 1
                continue
            if marker in FRAMES:
                size = struct.unpack_from(">HH", data, position + 5)
            elif marker == START_OF_SCAN:
                return JpegHeader(size[0], size[1], position) if size else None
            position += 2 + int(struct.unpack_from(">H", data, position + 2)[0])
    except (IndexError, struct.error):
        return None
    return None


def _reduction(stored: int, wanted: int) -> int:
    for factor, flag in REDUCED.items():
        if stored >= 2 * wanted * factor:
            return flag
    return cv2.IMREAD_COLOR


def shrink(picture: Pixels, short_edge: int) -> Pixels:
    """The picture with a short edge of exactly `short_edge` pixels; the aspect ratio is kept.

    Shrinking averages over areas, enlarging is bicubic. Raises Unreadable for a picture so elongated that
    its long edge would go beyond what a JPEG holds (65,500 pixels).
    """
    height, width = picture.shape[:2]
    shortest = min(height, width)
    if shortest == short_edge:
        return picture
    size = [max(short_edge, round(edge * short_edge / shortest)) for edge in (width, height)]
    if max(size) > LONGEST_EDGE:
        raise Unreadable(f"too elongated: {width} × {height} pixels")
    method = cv2.INTER_AREA if short_edge < shortest else cv2.INTER_CUBIC
    return cv2.resize(picture, size, interpolation=method).astype(np.uint8, copy=False)


def center_square(picture: Pixels, size: int) -> Pixels:
    """A view of the middle `size` × `size` pixels; both edges must have at least that."""
    height, width = picture.shape[:2]
    top, left = (height - size) // 2, (width - size) // 2
    return picture[top : top + size, left : left + size]
