"""Picture files to arrays of pixels."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from catdog_exp.images.jpeg import START, decode_jpeg
from catdog_exp.images.orientation import SIDEWAYS, orientation_in, turned
from catdog_exp.images.other_kinds import decode_other
from catdog_exp.images.resize import Pixels, resize, size_with
from catdog_exp.images.unreadable import Unreadable as Unreadable

LARGEST_FILE = 2**30  # bytes; Linux reads a little less than 2**31 at once


def read_picture(path: str | Path, short_edge: int | None = None) -> Pixels:
    """The picture in a file: BGR, uint8, shape (height, width, 3), turned as its EXIF orientation says.

    The content decides on the kind, not the name: JPEG, PNG, BMP, WebP, GIF or TIFF. Of an animation it is the
    first frame. What is transparent is shown on white; a BMP's fourth channel, which most programs fill with
    anything, is left out. 16 bits a channel become 8.

    short_edge: bring the picture to a short edge of this many pixels, its aspect ratio kept (`resize.resize`);
    None: leave it as large as it is. Where a half, a quarter or an eighth of a JPEG's size leaves its short edge at
    least twice that, it is decoded at that size, which takes a fraction of the time.

    Raises Unreadable: missing, no permission, empty, cut short, damaged, not a picture, of a kind that is not read,
    or one that declares more than `unreadable.MOST_PIXELS`; for these no memory is taken.
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
    if data.startswith(START):
        picture, header = decode_jpeg(data, short_edge)
        width, height = header.width, header.height  # of the picture perhaps a fraction, rounded up
        exif = header.exif
    else:
        picture, exif = decode_other(data)
        height, width = picture.shape[:2]
    orientation = orientation_in(exif)
    picture = turned(picture, orientation)
    if short_edge is None:
        return picture
    if orientation in SIDEWAYS:
        width, height = height, width
    return resize(picture, *size_with(short_edge, width, height))
