"""Picture files to arrays of pixels."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from catdog_exp.images.headers import Header, read_header
from catdog_exp.images.headers import Unreadable as Unreadable
from catdog_exp.images.quiet import quiet_c
from catdog_exp.images.resize import Pixels, fraction, resize, size_with

MOST_PIXELS = 2**28  # declared by a file; the largest cameras of phones give 200 million
LARGEST_FILE = 2**30  # bytes; Linux reads a little less than 2**31 at once
REDUCED = {
    1: cv2.IMREAD_COLOR,
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
# An EXIF orientation is a mirroring or none (left to right), then a rotation or none.
MIRRORED = {2, 4, 5, 7}
SIDEWAYS = {5, 6, 7, 8}
ROTATIONS = {
    **dict.fromkeys((3, 4), cv2.ROTATE_180),
    **dict.fromkeys((6, 7), cv2.ROTATE_90_CLOCKWISE),
    **dict.fromkeys((5, 8), cv2.ROTATE_90_COUNTERCLOCKWISE),
}
# Kinds that are seen under the names of pictures and not decoded here, by their brand (ISO 14496-12).
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}

cv2.setLogLevel(0)  # what cannot be decoded is told by Unreadable; OpenCV would also write to stderr
warnings.filterwarnings("ignore", module=r"PIL\.")  # as would Pillow


# What libjpeg says where it makes up pixels. It also speaks of bytes that are too many, which costs none.
LOST = re.compile(
    "premature end of data segment|Premature end of JPEG file|bad Huffman code|found marker .* instead of"
)
MANY = 2_000  # pictures: where the compiled decoder saves what it costs to load (0.1 s, where Numba is used anyway)

# The compiled decoder where it is in use: `jpeg.reduced.decode_reduced`.
_decode_reduced: Callable[[bytes, int, int], tuple[Header, Pixels] | None] | None = None


def get_ready_for(pictures: int) -> None:
    """Take the compiled decoder for JPEGs, from now on in this process, where so many pictures make it worthwhile.

    What is decoded stays the same, to the bit. On a new machine it is compiled first, for some seconds.
    """
    global _decode_reduced
    if _decode_reduced is None and pictures >= MANY:
        with suppress(RuntimeError):  # no folder where Numba can keep what it has compiled: OpenCV goes on
            from catdog_exp.images.jpeg.reduced import decode_reduced, load

            load()
            _decode_reduced = decode_reduced


def read_picture(path: str | Path, short_edge: int | None = None) -> Pixels:
    """The picture in a file: BGR, uint8, shape (height, width, 3), turned as its EXIF orientation says.

    The content decides on the kind, not the name: JPEG, PNG, BMP, WebP, GIF or TIFF. Of an animation it is the
    first frame. What is transparent is shown on white; a BMP's fourth channel, which most programs fill with
    anything, is left out. 16 bits a channel become 8.

    short_edge: bring the picture to a short edge of this many pixels, its aspect ratio kept (`resizing.resize`);
    None: leave it as large as it is. Where a half, a quarter or an eighth of a JPEG's size leaves its short edge at
    least twice that, it is decoded at that size, which takes a fraction of the time.

    Raises Unreadable: missing, no permission, empty, cut short, damaged, not a picture, or one that declares
    more than MOST_PIXELS; for these no memory is taken. Of a JPEG whose end is there, but not all before it, libjpeg
    knows; changed bits that leave it as many blocks as before are not noticed.
    """
    return decode_picture(_read(path), short_edge)


def _read(path: str | Path) -> bytes:
    try:
        # A pipe is not waited for.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode):
                raise Unreadable("not a file, but a directory, a pipe or a device")
            if about.st_size > LARGEST_FILE:
                raise Unreadable(f"{about.st_size / 2**30:.1f} GiB: too large for a picture")
            return os.read(file, about.st_size)
        finally:
            os.close(file)
    except FileNotFoundError:
        raise Unreadable("a link to a file that is not there" if Path(path).is_symlink() else "no such file") from None
    except PermissionError:
        raise Unreadable("no permission to read it") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unreadable("a link that leads back to itself") from None
        raise Unreadable(error.strerror or "cannot be read") from None


def decode_picture(data: bytes, short_edge: int | None = None) -> Pixels:
    """The picture in the bytes of a file; otherwise as `read_picture`."""
    if not data:
        raise Unreadable("empty file")
    quick = None if _decode_reduced is None or short_edge is None else _decode_reduced(data, short_edge, MOST_PIXELS)
    header, picture = _decode(data, short_edge) if quick is None else quick
    picture = _turned(picture, header.orientation)
    if short_edge is None:
        return picture
    height, width = picture.shape[:2]
    if header.kind == "JPEG":  # perhaps decoded at a fraction of its size, which is rounded up: a pixel may be won
        width, height = header.width, header.height
        if header.orientation in SIDEWAYS:
            width, height = height, width
    return resize(picture, *size_with(short_edge, width, height))


def _decode(data: bytes, short_edge: int | None) -> tuple[Header, Pixels]:
    """The picture as it is stored, not turned. A JPEG may be at a fraction of its size."""
    header = read_header(data)
    if header is None:
        raise Unreadable(_unknown(data))
    if header.width * header.height > MOST_PIXELS:
        raise Unreadable(f"too large: it declares {header.width:,} × {header.height:,} pixels")
    try:
        with quiet_c:
            before = quiet_c.heard()
            if header.kind == "GIF" or (header.kind == "TIFF" and header.alpha):
                return header, _decode_with_pillow(data)
            picture = _decode_with_opencv(data, header, short_edge)
            spoken = quiet_c.heard() > before  # by this thread's picture, or by another's
        if spoken and header.kind == "JPEG":
            picture, said = quiet_c.listen(lambda: _decode_with_opencv(data, header, short_edge))
            if lost := LOST.search(said):
                raise Unreadable(f"damaged: part of the picture is lost ({lost[0]})")
        return header, picture
    except cv2.error as error:
        raise Unreadable(f"cannot be decoded ({error.err})") from None


def _unknown(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] in BRANDS:
        return f"a picture of the kind {BRANDS[data[8:12]]}, which is not read here: convert it to JPEG"
    return "not a picture, or a damaged one"


def _decode_with_opencv(data: bytes, header: Header, short_edge: int | None) -> Pixels:
    flag = cv2.IMREAD_COLOR
    if header.alpha:
        flag = cv2.IMREAD_UNCHANGED  # all others leave transparency out
    elif header.kind == "JPEG" and short_edge is not None:
        flag = REDUCED[fraction(min(header.height, header.width), short_edge)]
    if header.kind != "TIFF":  # its decoder turns the picture itself
        flag |= cv2.IMREAD_IGNORE_ORIENTATION
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if picture is None:
        raise Unreadable(f"damaged: a {header.kind} that cannot be decoded")
    if header.alpha:
        picture = _on_white(picture)
    return picture.astype(np.uint8, copy=False)


def _decode_with_pillow(data: bytes) -> Pixels:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(io.BytesIO(data), formats=["GIF", "TIFF"]) as opened:
            picture = np.asarray(ImageOps.exif_transpose(opened).convert("RGBA"))
    except Exception:  # Pillow lets through whatever its plugins run into
        raise Unreadable("cut short or damaged: it cannot be decoded") from None
    return _on_white(cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))


def _on_white(picture: NDArray[Any]) -> Pixels:
    """BGR of BGRA with 8 or 16 bits a channel; BGR stays as it is."""
    if picture.dtype == np.uint16:
        picture >>= 8
    colours, opacity = picture[..., :3], picture[..., 3:].astype(np.uint16)
    if opacity.size and opacity.min() < 255:
        colours = (colours * opacity + 255 * (255 - opacity) + 127) // 255
    return np.ascontiguousarray(colours, np.uint8)


def _turned(picture: Pixels, orientation: int) -> Pixels:
    """The picture as it was seen when it was taken; orientation: EXIF's."""
    if orientation in MIRRORED:
        picture = cast("Pixels", cv2.flip(picture, 1))
    if orientation in ROTATIONS:
        picture = cast("Pixels", cv2.rotate(picture, ROTATIONS[orientation]))
    return picture
