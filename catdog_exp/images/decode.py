"""Picture files to arrays of pixels."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from catdog_exp.images.coded import Coded
from catdog_exp.images.jpeg import open_jpeg
from catdog_exp.images.kinds import kind_of
from catdog_exp.images.limits import DecodingLimits
from catdog_exp.images.orientation import SIDEWAYS, orientation_in, turned
from catdog_exp.images.other_kinds import open_other
from catdog_exp.images.resize import Pixels, resize, size_with
from catdog_exp.images.unreadable import Unreadable as Unreadable

# Bytes that are enough for most photographs beside twice their file's: those are read once, others twice.
FIRST_GUESS = 4 * 2**20


def read_picture(path: str | Path, short_edge: int | None = None, limits: DecodingLimits | None = None) -> Pixels:
    """The picture in a file: BGR, uint8, shape (height, width, 3), turned as its EXIF orientation says.

    The content decides on the kind, not the name: JPEG, PNG, BMP, WebP, GIF, TIFF, AVIF or HEIC. Of an animation it
    is the first frame. What is transparent is shown on white; a BMP's fourth channel, which most programs fill with
    anything, is left out. 16 bits a channel become 8.

    short_edge: bring the picture to a short edge of this many pixels, its aspect ratio kept (`resize.resize`);
    None: leave it as large as it is. Where a half, a quarter or an eighth of a JPEG's size leaves its short edge at
    least twice that, it is decoded at that size, which takes a fraction of the time.
    limits: shared by all threads that read pictures at once; None: the usual ones, for this picture alone.

    Raises Unreadable: missing, no permission, empty, cut short, damaged, not a picture, of a kind that is not read,
    or one that declares more than the limits allow; for these no memory is taken.
    """
    limits = limits or DecodingLimits()
    try:
        # What is opened may act on that, or wait for another: pipes, and devices above all.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (a Path would take longer than the look-up)
            raise Unreadable("not a file, but a directory, a pipe or a device")
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            size = os.fstat(file).st_size
            held = min(limits.memory, 2 * size + FIRST_GUESS)
            while True:
                with limits.memory_of(max(size, held)):
                    data = os.pread(file, size, 0)
                    coded = _open(data, short_edge)
                    limits.check(coded.width, coded.height)
                    needed = len(data) + coded.memory
                    if needed <= held:
                        return _decode(coded, short_edge)
                    del data, coded
                held = needed
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


def decode_picture(data: bytes, short_edge: int | None = None, limits: DecodingLimits | None = None) -> Pixels:
    """The picture in the bytes of a file; otherwise as `read_picture`."""
    coded = _open(data, short_edge)
    limits = limits or DecodingLimits()
    limits.check(coded.width, coded.height)
    with limits.memory_of(len(data) + coded.memory):
        return _decode(coded, short_edge)


def _open(data: bytes, short_edge: int | None) -> Coded:
    if not data:
        raise Unreadable("empty file")
    return open_jpeg(data, short_edge) if kind_of(data) == "JPEG" else open_other(data)


def _decode(coded: Coded, short_edge: int | None) -> Pixels:
    picture, exif = coded.decode()
    orientation = orientation_in(exif)
    picture = turned(picture, orientation)
    if short_edge is None:
        return picture
    height, width = picture.shape[:2]
    if min(width, height) < min(coded.width, coded.height):  # a fraction, rounded up
        width, height = coded.width, coded.height
        if orientation in SIDEWAYS:
            width, height = height, width
    return resize(picture, *size_with(short_edge, width, height))
