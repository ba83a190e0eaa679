"""Pictures to ask a network about: files, entries of zip archives, and bytes from elsewhere."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from lzma import LZMAError
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile, ZipFile, ZipInfo

from catdog_exp.images.decode import Unreadable, decode_picture, read_picture
from catdog_exp.images.kinds import BEGINNING, kind_of
from catdog_exp.images.limits import DecodingLimits
from catdog_exp.images.packed import packed_and_read
from catdog_exp.images.resize import Pixels, center_crop

ENCRYPTED = 1  # bit of an entry's flags


class Picture(Protocol):
    """A picture that has not been read yet."""

    @property
    def name(self) -> str:
        """What people know it by, as its path."""

    def pixels(self, short_edge: int, limits: DecodingLimits) -> Pixels:
        """As `read_picture` gives them. Raises Unreadable."""


@dataclass(frozen=True)
class PictureFile:
    """A file on a disk."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def pixels(self, short_edge: int, limits: DecodingLimits) -> Pixels:
        return read_picture(self.path, short_edge, limits)


@dataclass(frozen=True)
class PictureBytes:
    """What is in a file that somebody has sent. name: what they call it."""

    name: str
    data: bytes = field(repr=False)

    def pixels(self, short_edge: int, limits: DecodingLimits) -> Pixels:
        return decode_picture(self.data, short_edge, limits)


@dataclass(frozen=True)
class ZippedPicture:
    """An entry of an open zip archive; it is never written anywhere, so its name cannot do harm."""

    archive: ZipFile
    entry: ZipInfo

    @property
    def name(self) -> str:
        return f"{self.archive.filename}/{self.entry.filename}"

    def pixels(self, short_edge: int, limits: DecodingLimits) -> Pixels:
        if self.entry.flag_bits & ENCRYPTED:
            raise Unreadable("it has a password")
        try:
            # No entry gives more than it declares.
            with limits.memory_of(self.entry.file_size), self.archive.open(self.entry) as file:
                beginning = file.read(BEGINNING)
                if beginning and kind_of(beginning) is None:  # which may be a bomb
                    raise Unreadable("not a picture, or a damaged one")
                data = beginning + file.read()
        except (BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, OSError, ValueError) as error:
            raise Unreadable(f"it cannot be unpacked: {error or 'the archive ends too early'}") from None
        return decode_picture(data, short_edge, limits)


def square(picture: Picture, size: int, limits: DecodingLimits | None = None, quality: int | None = None) -> Pixels:
    """The center crop of a picture, shrunk as packing shrinks: RGB, uint8, shape (size, size, 3).

    quality: of the JPEG that packing makes of it, to the same pixels as a packed picture's; None: no JPEG.

    Raises Unreadable, as `read_picture` does.
    """
    pixels = picture.pixels(size, limits or DecodingLimits())
    rgb = pixels[..., ::-1] if quality is None else packed_and_read(pixels, quality)
    return center_crop(rgb, size)
