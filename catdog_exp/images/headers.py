"""What the first bytes of a picture file tell before anything is decoded: kind, size, orientation, wholeness.

Layouts: JPEG (ITU-T T.81, annex B), EXIF and TIFF (TIFF 6.0, section 2), PNG (W3C PNG, third edition), WebP
(RFC 9649), GIF (GIF89a), BMP (the BITMAPCOREHEADER and BITMAPINFOHEADER of Windows).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

JPEG_START = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
# Markers of a JPEG's frame header, which holds its size: C0 to CF but for tables (C4, CC) and C8, not in use.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
WITHOUT_LENGTH = frozenset(range(0xD0, 0xD9)) | {0x00, 0x01}  # markers that no length follows
APP1, START_OF_SCAN, END_OF_IMAGE = 0xE1, 0xDA, 0xD9
EXIF = b"Exif\0\0"
PNG_GRAY, PNG_WITH_ALPHA = 0, (4, 6)  # colour types
BMP_OLD, BMP_HEADERS = 12, (12, 16, 40, 52, 56, 64, 108, 124)  # lengths of the second header, bytes
WEBP_EXIF, WEBP_ALPHA = 0x08, 0x10  # flags of an extended WebP
# Tags of TIFF and EXIF.
WIDTH, HEIGHT, ORIENTATION, EXTRA_SAMPLES = 256, 257, 274, 338
ONE_NUMBER = {1: "B", 3: "H", 4: "I"}  # types of a tag's value


class Unreadable(Exception):
    """A picture that cannot be had; the message is the reason, without the file's name."""


class Header(NamedTuple):
    """What a picture file says of itself.

    width, height: pixels, as stored: before the turn that `orientation` asks for.
    orientation: EXIF's, 1..8; 1 where there is none.
    alpha: whether pixels may be transparent.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    alpha: bool = False


def read_header(data: bytes) -> Header | None:
    """The header of the picture in the bytes of a whole file; None for a kind that is not known here.

    The content decides, no name is asked for. Raises Unreadable for a file that ends too early, or whose
    header is damaged.
    """
    for start, read in READERS.items():
        if data.startswith(start):
            try:
                return read(data)
            except (IndexError, struct.error):
                raise Unreadable("cut short: it ends in its header") from None
    return None


def _jpeg(data: bytes) -> Header:
    size = None
    orientation = 1
    position = 2
    while True:
        if data[position] != 0xFF:  # stray bytes: a decoder goes on at the next marker, too
            position = data.find(b"\xff", position)
            if position < 0:
                raise Unreadable("cut short: a JPEG without its end")
        marker = data[position + 1]
        if marker == 0xFF:  # a filling byte
            position += 1
        elif marker in WITHOUT_LENGTH:
            position += 2
        elif marker in (START_OF_SCAN, END_OF_IMAGE):
            break
        else:
            if marker in FRAMES:
                size = struct.unpack_from(">HH", data, position + 5)
            elif marker == APP1 and data.startswith(EXIF, position + 4):
                orientation = exif_orientation(data[position + 4 : position + 2 + _big16(data, position + 2)])
            position += 2 + _big16(data, position + 2)
    # An end before the first scan may be a thumbnail's; inside of a scan's data none can stand.
    if not data.endswith(JPEG_END) and data.find(JPEG_END, position) < 0:
        raise Unreadable("cut short: a JPEG without its end")
    if size is None:
        raise Unreadable("damaged: a JPEG without its size")
    return Header("JPEG", size[1], size[0], orientation)


def _png(data: bytes) -> Header:
    width, height, _, colours = struct.unpack_from(">IIBB", data, 16)
    alpha = colours in PNG_WITH_ALPHA
    orientation = 1
    position = 8
    while position + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if name == b"IEND":
            return Header("PNG", width, height, orientation, alpha)
        if name == b"tRNS" and colours != PNG_GRAY:
            alpha = True
        elif name == b"eXIf":
            orientation = exif_orientation(data[position + 8 : position + 8 + length])
        position += 12 + length
    raise Unreadable("cut short: a PNG without its end")


def _webp(data: bytes) -> Header | None:
    if data[8:12] != b"WEBP":
        return None
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if len(data) < end:
        raise Unreadable("cut short: a WebP without its end")
    coding = data[12:16]
    if coding == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("WebP", width & 0x3FFF, height & 0x3FFF)
    if coding == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return Header("WebP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), alpha=bool(bits >> 28 & 1))
    width, height = (1 + int.from_bytes(data[start : start + 3], "little") for start in (24, 27))
    flags = data[20]
    orientation = 1
    position = 12
    while flags & WEBP_EXIF and position + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, position)
        if name == b"EXIF":
            orientation = exif_orientation(data[position + 8 : position + 8 + length])
            break
        position += 8 + length + length % 2
    return Header("WebP", width, height, orientation, bool(flags & WEBP_ALPHA))


def _gif(data: bytes) -> Header:
    return Header("GIF", *struct.unpack_from("<HH", data, 6))


def _bmp(data: bytes) -> Header | None:
    length = struct.unpack_from("<I", data, 14)[0]
    if length not in BMP_HEADERS:
        return None  # a text may begin with BM
    # A height below zero is that of a picture stored from the top.
    width, height = struct.unpack_from("<HH" if length == BMP_OLD else "<ii", data, 18)
    return Header("BMP", abs(width), abs(height))


def _tiff(data: bytes) -> Header:
    tags = _tags(data)
    if WIDTH not in tags or HEIGHT not in tags:
        raise Unreadable("cut short: a TIFF without its directory")
    # The decoder of TIFFs turns them itself.
    return Header("TIFF", tags[WIDTH], tags[HEIGHT], alpha=tags.get(EXTRA_SAMPLES) in (1, 2))


def exif_orientation(exif: bytes) -> int:
    """The orientation in an EXIF block, 1 where it has none, or one that does not exist, or is damaged."""
    orientation = _tags(exif.removeprefix(EXIF)).get(ORIENTATION, 1)
    return orientation if 1 <= orientation <= 8 else 1


def _tags(tiff: bytes) -> dict[int, int]:
    """The tags of a TIFF's first directory that hold one whole number."""
    tags: dict[int, int] = {}
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return tags
    try:
        directory = struct.unpack_from(f"{order}I", tiff, 4)[0]
        for entry in range(struct.unpack_from(f"{order}H", tiff, directory)[0]):
            place = directory + 2 + 12 * entry
            tag, kind, count = struct.unpack_from(f"{order}HHI", tiff, place)
            if count == 1 and kind in ONE_NUMBER:
                tags[tag] = struct.unpack_from(order + ONE_NUMBER[kind], tiff, place + 8)[0]
    except struct.error:
        pass  # the directory ends early; what it had counts
    return tags


def _big16(data: bytes, position: int) -> int:
    return data[position] << 8 | data[position + 1]


READERS: dict[bytes, Callable[[bytes], Header | None]] = {
    JPEG_START: _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"RIFF": _webp,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
    b"BM": _bmp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
}
