"""JPEGs decoded by libjpeg-turbo, which is asked to be strict: what it warns of is refused."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple, cast

import simplejpeg

from catdog_exp.images.coded import Coded
from catdog_exp.images.resize import Pixels, fraction
from catdog_exp.images.unreadable import Unreadable, not_read

# Markers (ITU-T T.81, table B.1; T.87 for JPEG-LS).
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
APP1, START_OF_SCAN, END_OF_IMAGE = 0xE1, 0xDA, 0xD9
SEQUENTIAL = frozenset({0xC0, 0xC1, 0xC9})  # with Huffman or arithmetic coding
PROGRESSIVE = frozenset({0xC2, 0xCA})
NOT_READ = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF, 0xF7), "lossless"),  # simplejpeg would end the process
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE, 0xDE), "hierarchical"),
}
# The next marker that has a length: none of those that may stand in a scan's data.
_NEXT = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
MOST_SCANS = 100  # programs write about ten
EXIF = b"Exif\0\0"
ANY_FREQUENCIES = b"\0\x3f\0"  # the end of a scan's header in a sequential JPEG
# Notes in the header that no pixel depends on where libjpeg does not know what is in them, by what it says of that.
# It reports its first warning alone, so they must be out of the way for the next one to be heard.
NOTES = {"JFIF revision": b"JFIF\0", "Adobe color transform": b"Adobe", "bad ICC marker": b"ICC_PROFILE\0"}


class JpegHeader(NamedTuple):
    """What stands before the first scan. width, height: pixels, as stored. scan: where its data start, bytes.

    kept: bytes for each pixel that libjpeg keeps until it has read all scans; 0 where there is one scan alone.
    """

    width: int
    height: int
    exif: bytes
    scan: int
    kept: int


def open_jpeg(data: bytes, short_edge: int | None) -> Coded:
    """The JPEG in the bytes of a file, not decoded yet.

    short_edge: the pixels needed. Where a half, a quarter or an eighth of the size leaves at least twice that, the
        picture is decoded at that size; None: at full size.

    Raises Unreadable, as its `decode` does: cut short, damaged, or of a kind that is not read. Changed bits that leave
    as many blocks as before are not noticed.
    """
    header = read_header(data)
    if header.kept:
        _check_scans(data, header.scan)
    reduction = 1 if short_edge is None else fraction(min(header.height, header.width), short_edge)
    width, height = (-(-edge // reduction) for edge in header[:2])

    def decode() -> tuple[Pixels, bytes]:
        return _decode(data, header, width, height), header.exif

    memory = header.kept * header.width * header.height + 6 * width * height  # as decoded, and turned or made smaller
    return Coded(header.width, header.height, memory, decode)


def read_header(data: bytes) -> JpegHeader:
    """The header of a JPEG. Raises Unreadable where it is cut short or damaged, or of a kind that is not read."""
    try:
        return _read_header(data)
    except (IndexError, struct.error):
        raise Unreadable("cut short: it ends in its header") from None


def _read_header(data: bytes) -> JpegHeader:
    width = height = kept = channels = 0
    exif = b""
    position = 2
    while True:
        if data[position] != 0xFF:
            raise Unreadable("damaged: its header has bytes that belong to nothing")
        marker = data[position + 1]
        if marker == 0xFF:  # a filling byte
            position += 1
            continue
        if marker in WITHOUT_LENGTH:
            position += 2
            continue
        if marker == END_OF_IMAGE:
            raise Unreadable("damaged: a JPEG without a picture")
        start, end = position + 4, position + 2 + (data[position + 2] << 8 | data[position + 3])
        if marker == START_OF_SCAN:
            if not width or not height:
                raise Unreadable("damaged: a JPEG without its size")
            # Where a scan has not all channels, each pixel's coefficients wait for the others.
            return JpegHeader(width, height, exif, end, max(kept, 2 * channels * (data[start] < channels)))
        if marker in NOT_READ:
            raise not_read("JPEG", NOT_READ[marker])
        if marker in SEQUENTIAL | PROGRESSIVE:
            bits, height, width, channels = struct.unpack_from(">BHHB", data, start)
            kept = 2 * channels * (marker in PROGRESSIVE)
            if bits != 8:
                raise not_read("JPEG", f"{bits} bits a channel")
        elif marker == APP1 and data.startswith(EXIF, start):
            exif = data[start:end]
        position = end


def _check_scans(data: bytes, position: int) -> None:
    """Raise Unreadable for more scans than any program writes: each takes its time however few bytes it has.

    position: where the first one's data start.
    """
    scans = 1
    while (found := _NEXT.search(data, position)) and data[found.end() - 1] != END_OF_IMAGE:
        scans += data[found.end() - 1] == START_OF_SCAN
        if scans > MOST_SCANS:
            raise Unreadable(f"damaged: a JPEG of more than {MOST_SCANS} scans")
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")


def _decode(data: bytes, header: JpegHeader, width: int, height: int) -> Pixels:
    """The picture at the smallest scale of libjpeg's at which it has this size or more."""
    try:
        return cast("Pixels", simplejpeg.decode_jpeg(data, "BGR", min_height=height, min_width=width))
    except ValueError as error:
        said = str(error)
    for words, name in NOTES.items():
        if words in said and name in data:
            return _decode(data.replace(name, name.lower()), header, width, height)
    if "Invalid SOS parameters" in said and data[header.scan - 3 : header.scan] != ANY_FREQUENCIES:
        return _decode(data[: header.scan - 3] + ANY_FREQUENCIES + data[header.scan :], header, width, height)
    if "Premature end of JPEG file" in said:
        raise Unreadable("cut short: a JPEG without its end")
    if "subsampling" in said:  # what it says of most that is wrong in a header
        raise Unreadable("damaged in its header, or a JPEG whose colours are sampled in a way that is not read here")
    raise Unreadable(f"damaged: {said.removeprefix('Corrupt JPEG data: ')}")
