"""What is wrong with a TIFF that Pillow loads without a word: libtiff goes on where a strip is damaged."""

from __future__ import annotations

import ctypes
import re
import threading
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from PIL import _imaging

from catdog_exp.images.unreadable import Unreadable, not_read

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

STRIPS, TILES = (273, 279), (324, 325)  # tags: where they are, how many bytes each has
TILE_WIDTH, TILE_HEIGHT = 322, 323  # tags
BLOCK = 1 << 14  # bytes inflated at once
MOST_BYTES = 16  # a pixel
NOT_READ = re.compile(r"not (configured|supported|implemented|allowed|handled)|unsupported", re.IGNORECASE)

_said = threading.local()
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)


def _hear(_module: bytes | None, words: bytes | None, _arguments: int | None) -> None:
    _said.words = (words or b"").decode(errors="replace")


_handler = _Handler(_hear)  # to be kept as long as libtiff may call it
with suppress(AttributeError):  # Pillow without libtiff; else errors would be written to stderr, and warnings are not
    ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(_handler)


def pixels_held(opened: TiffImageFile) -> int:
    """Of the picture, or of one of its tiles, which may be larger."""
    tags = opened.tag_v2
    return max(opened.width * opened.height, int(tags.get(TILE_WIDTH, 0)) * int(tags.get(TILE_HEIGHT, 0)))


def load_tiff(opened: TiffImageFile, data: bytes) -> None:
    """Load a TIFF. data: its file.

    Raises Unreadable where libtiff says of an error, where the checksum of a deflated strip is wrong, and where one in
    Group 4 has a hole; other exceptions as Pillow does.
    """
    for tag, count in (STRIPS, TILES):
        for start, length in zip(opened.tag_v2.get(tag, ()), opened.tag_v2.get(count, ()), strict=False):
            strip = memoryview(data)[start : start + length]
            if opened.info.get("compression") in ("tiff_adobe_deflate", "tiff_deflate"):
                _check_deflated(strip, MOST_BYTES * opened.width * opened.height)
            # No code of Group 4, nor two of them, has so many zeros; those behind the end fill a byte or more.
            elif opened.info.get("compression") == "group4" and b"\0\0" in bytes(strip).rstrip(b"\0"):
                raise Unreadable("damaged: a TIFF with a hole")
    _said.words = ""
    try:
        opened.load()
    except Exception:
        if not _said.words:
            raise
    if NOT_READ.search(_said.words):
        raise not_read("TIFF", "its compression")
    if _said.words:
        raise Unreadable("damaged: a TIFF that cannot be decoded to its end")


def _check_deflated(strip: memoryview, most: int) -> None:
    inflater = zlib.decompressobj()
    inflated = 0
    for start in range(0, len(strip), BLOCK):
        inflated += len(inflater.decompress(strip[start : start + BLOCK]))
        if inflater.eof:
            return
        if inflated > most:
            break
    raise Unreadable("damaged: a TIFF with a strip that does not end")
