"""Which kind of picture a file is, by its first bytes: its name may say anything, or nothing."""

from __future__ import annotations

import re

BEGINNING = 32  # bytes that tell the kind

# A text may begin with BM, but has no zeros, which are in the length of a bitmap's second header.
# The brands are those of ISO 14496-12.
_KINDS = re.compile(
    rb"(?P<JPEG>\xff\xd8\xff)|(?P<PNG>\x89PNG\r\n\x1a\n)|(?P<GIF>GIF8[79]a)|(?P<WebP>RIFF.{4}WEBP)"
    rb"|(?P<BMP>BM.{13}\0{3})|(?P<TIFF>II\*\0|MM\0\*)"
    rb"|(?P<AVIF>.{4}ftyp(?:avi[fs]|m[is]f1.{4}(?:.{4}){0,3}?avi[fs]))"
    rb"|(?P<HEIC>.{4}ftyp(?:hei[cxms]|hev[cx]|m[is]f1))"
    rb"|(?P<JPEG_2000>\0\0\0\x0cjP  |\xff\x4f\xff\x51)|(?P<JPEG_XL>\0\0\0\x0cJXL |\xff\x0a)|(?P<Photoshop>8BPS\0)",
    re.DOTALL,
)
NOT_READ = {"JPEG_2000", "JPEG_XL", "Photoshop"}


def kind_of(beginning: bytes) -> str | None:
    """The kind of picture that begins with these bytes, one of NOT_READ too; None where it is no picture."""
    found = _KINDS.match(beginning)
    return found.lastgroup if found else None
