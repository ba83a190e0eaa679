"""Pictures of all kinds but JPEG, decoded by Pillow."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from catdog_exp.images.coded import Coded
from catdog_exp.images.kinds import NOT_READ, kind_of
from catdog_exp.images.resize import Pixels
from catdog_exp.images.unreadable import Unreadable, not_read

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile
    from PIL.TiffImagePlugin import TiffImageFile

# Bytes that decoding takes for each pixel, as measured: the decoder's, Pillow's 4, and 3 of the result.
BYTES_A_PIXEL = {"PNG": 7, "GIF": 7, "BMP": 7, "TIFF": 10, "WebP": 19, "AVIF": 14, "HEIC": 14}
BAND = 1 << 20  # pixels that are brought to BGR at once
BLOCK = 1 << 26  # bytes; what is larger than 32 MB goes back to the system as soon as it is free
# What Pillow says of files that may well be whole; of a TIFF it says the number of a compression that it has not.
NOT_KNOWN = re.compile(r"unsupported|unknown|not supported|not available|\d+$", re.IGNORECASE)
NO_HEIF = "a HEIC, which needs the extra heif: `pip install catdog-exp[heif]`, or convert it to JPEG"

# What cannot be decoded is told by Unreadable; Pillow would also write to stderr.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


def open_other(data: bytes) -> Coded:
    """The picture in the bytes of a file, not decoded yet.

    A TIFF and a HEIC are upright already, and their EXIF block does not turn them.

    Raises Unreadable, as its `decode` does: not a picture, cut short, damaged, or of a kind that is not read.
    """
    kind = kind_of(data)
    if kind is None:
        raise Unreadable("not a picture, or a damaged one")
    if kind in NOT_READ:
        raise Unreadable(f"a picture of the kind {kind.replace('_', ' ')}, which is not read here: convert it to JPEG")
    reader = _reader(kind)
    try:
        opened = reader(io.BytesIO(data))
        pixels = opened.width * opened.height
        if kind == "TIFF":
            from catdog_exp.images.tiff import pixels_held

            pixels = pixels_held(cast("TiffImageFile", opened))
    except Exception as error:  # Pillow lets through whatever its plugins run into
        if kind in ("TIFF", "BMP") and NOT_KNOWN.match(str(error)):
            raise not_read(kind, f"or damaged: {error}") from None
        raise _damaged(kind) from None
    if opened.mode in ("I", "F"):
        raise not_read(kind, "32 bits a channel")

    def decode() -> tuple[Pixels, bytes]:
        try:
            return _decode(opened, kind, data), opened.info.get("exif", b"")
        except Unreadable:
            raise
        except Exception as error:
            if "conversion from" in str(error):
                raise not_read(kind, f"colours as {opened.mode}") from None
            raise _damaged(kind) from None
        finally:
            opened.close()

    return Coded(*opened.size, BYTES_A_PIXEL[kind] * pixels, decode)


def _damaged(kind: str) -> Unreadable:
    return Unreadable(f"cut short or damaged: a {kind} that cannot be decoded")


@cache
def _reader(kind: str) -> Callable[[io.BytesIO], ImageFile]:
    """Pillow's class for a kind. `Image.open` would set a limit of its own, whatever data.max_pixels says."""
    from PIL import _imaging

    # Blocks of Pillow's own 16 MB would be kept by each thread for its next picture, hundreds of MB of them.
    _imaging.set_block_size(BLOCK)
    if kind == "HEIC":
        try:
            from pillow_heif import HeifImageFile
        except ImportError:
            raise Unreadable(NO_HEIF) from None
        return cast("Callable[[io.BytesIO], ImageFile]", HeifImageFile)
    from PIL import (
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
        features,
    )

    if kind == "AVIF" and not features.check("avif"):
        raise not_read(kind, "Pillow is built without it")
    readers: dict[str, Callable[[io.BytesIO], ImageFile]] = {
        "PNG": PngImagePlugin.PngImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "WebP": WebPImagePlugin.WebPImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "AVIF": AvifImagePlugin.AvifImageFile,
    }
    return readers[kind]


def _decode(opened: ImageFile, kind: str, data: bytes) -> Pixels:
    if kind == "TIFF":
        from catdog_exp.images.tiff import load_tiff

        load_tiff(cast("TiffImageFile", opened), data)
    else:
        if kind == "PNG":  # by its checksums, which are not looked at while it is loaded
            _reader(kind)(io.BytesIO(data)).verify()
        opened.load()
    width, height = opened.size
    picture = np.empty((height, width, 3), np.uint8)
    rows = max(1, BAND // width)
    for top in range(0, height, rows):  # all at once it would be there three times
        bottom = min(height, top + rows)
        picture[top:bottom] = _bgr(opened.crop((0, top, width, bottom)), kind)
    return picture


def _bgr(band: Image, kind: str) -> Pixels:
    if band.mode.startswith("I;16"):
        gray = (np.asarray(band) >> 8).astype(np.uint8)
        return cast("Pixels", cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
    # Most programs fill a bitmap's fourth channel with anything.
    rgb = _on_white(band) if band.has_transparency_data and kind != "BMP" else band.convert("RGB")
    return cast("Pixels", cv2.cvtColor(np.asarray(rgb), cv2.COLOR_RGB2BGR))


def _on_white(picture: Image) -> Image:
    from PIL import Image

    rgba = picture.convert("RGBA")
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba, mask=rgba)
    return white
