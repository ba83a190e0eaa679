"""Pictures of all kinds but JPEG, decoded by Pillow."""

from __future__ import annotations

import ctypes
import io
import logging
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from catdog_exp.images.resize import Pixels
from catdog_exp.images.unreadable import Unreadable, check_size

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

# How files begin. A text may begin with BM, but has no zeros, which are in the length of a bitmap's second header.
BEGINNINGS = re.compile(
    rb"(?P<PNG>\x89PNG\r\n\x1a\n)|(?P<GIF>GIF8[79]a)|(?P<WebP>RIFF.{4}WEBP)|(?P<BMP>BM.{13}\0{3})"
    rb"|(?P<TIFF>II\*\0|MM\0\*)",
    re.DOTALL,
)
# Kinds that are seen under the names of pictures and not decoded here, by their brand (ISO 14496-12).
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}

# What cannot be decoded is told by Unreadable; Pillow would also write to stderr.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


def decode_other(data: bytes) -> tuple[Pixels, bytes]:
    """The picture in the bytes of a file, as it is stored: BGR, (height, width, 3); and its EXIF block.

    A TIFF is upright already, and has none.

    Raises Unreadable: not a picture, cut short, damaged, or too large; the last before any memory is taken.
    """
    beginning = BEGINNINGS.match(data)
    if beginning is None:
        raise Unreadable(_unknown(data))
    kind = cast("str", beginning.lastgroup)
    reader = _readers()[kind]
    try:
        with reader(io.BytesIO(data)) as opened:
            check_size(*opened.size)
            if kind == "PNG":  # by its checksums, which are not looked at while it is loaded
                reader(io.BytesIO(data)).verify()
            opened.load()
            return _bgr(opened), opened.info.get("exif", b"")
    except Unreadable:
        raise
    except Exception:  # Pillow lets through whatever its plugins run into
        raise Unreadable(f"cut short or damaged: a {kind} that cannot be decoded") from None


def _unknown(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] in BRANDS:
        return f"a picture of the kind {BRANDS[data[8:12]]}, which is not read here: convert it to JPEG"
    return "not a picture, or a damaged one"


@cache
def _readers() -> dict[str, Callable[[io.BytesIO], ImageFile]]:
    """Pillow's class for each kind. `Image.open` would set a limit of its own, less than what cameras take."""
    from PIL import BmpImagePlugin, GifImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin, _imaging

    with suppress(AttributeError):  # Pillow without libtiff, which would write to stderr what is wrong with a file
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
    return {
        "PNG": PngImagePlugin.PngImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "WebP": WebPImagePlugin.WebPImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
    }


def _bgr(opened: ImageFile) -> Pixels:
    if opened.mode.startswith("I;16"):
        gray = (np.asarray(opened) >> 8).astype(np.uint8)
        return cast("Pixels", cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
    if opened.mode in ("I", "F"):
        raise Unreadable(f"a {opened.format} of numbers with 32 bits, not of colours")
    # Most programs fill a bitmap's fourth channel with anything.
    transparent = opened.has_transparency_data and opened.format != "BMP"
    rgb = _on_white(opened) if transparent else opened.convert("RGB")
    return cast("Pixels", cv2.cvtColor(np.asarray(rgb), cv2.COLOR_RGB2BGR))


def _on_white(picture: Image) -> Image:
    from PIL import Image

    rgba = picture.convert("RGBA")
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba, mask=rgba)
    return white
