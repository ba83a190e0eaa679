"""Some forty files that someone may hand to a server which asks for pictures: broken, hostile, or merely odd."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

DECLARED = 10**10  # bytes that one upload says it has


@dataclass(frozen=True)
class Upload:
    """What is sent, and what must come back. said: some words of the message; "" where it is to be answered."""

    data: bytes
    said: str
    status: int = 422


def photograph(width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    """A smooth picture, RGB."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def coded(kind: str, picture: NDArray[np.uint8] | Image.Image | None = None, **settings: Any) -> bytes:
    """A picture as Pillow writes it."""
    out = io.BytesIO()
    picture = photograph() if picture is None else picture
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(out, kind, **settings)
    return out.getvalue()


def uploads(most_bytes: int) -> dict[str, Upload]:
    """By what they are. most_bytes: that the server takes."""
    jpeg, png, gif, tiff = (coded(kind) for kind in ("JPEG", "PNG", "GIF", "TIFF"))
    webp, bmp = coded("WEBP"), coded("BMP")
    frame = jpeg.index(b"\xff\xc0")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("picture.jpg", bytes(20_000_000))
    no_picture, damaged, cut = "not a picture", "damaged", "cut short"
    broken = {
        "nothing": (b"", "empty file"),
        "text": (b"a picture of a cat\n" * 100, no_picture),
        "random bytes": (np.random.default_rng(1).bytes(50_000), no_picture),
        "HTML with a script": (b"<!doctype html><script>alert(1)</script>", no_picture),
        "SVG with a script": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", no_picture),
        "PDF": (b"%PDF-1.7\n" + bytes(2000), no_picture),
        "program": (b"\x7fELF\x02\x01\x01" + bytes(2000), no_picture),
        "icon": (coded("ICO"), no_picture),
        "form with a picture": (b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + jpeg, no_picture),
        "compressed JPEG": (gzip.compress(jpeg), no_picture),
        "zip bomb": (archive.getvalue(), no_picture),
        "JPEG of three bytes": (jpeg[:3], cut),
        "JPEG cut in its header": (jpeg[:100], cut),
        "JPEG cut in half": (jpeg[: len(jpeg) // 2], cut),
        "JPEG with a hole": (jpeg[:2000] + bytes(500) + jpeg[2500:], damaged),
        "JPEG that declares 60,000 × 60,000": (
            jpeg[: frame + 5] + struct.pack(">HH", 60_000, 60_000) + jpeg[frame + 9 :],
            "too large",
        ),
        "lossless JPEG": (jpeg[: frame + 1] + b"\xc3" + jpeg[frame + 2 :], "lossless"),
        "PNG cut in half": (png[: len(png) // 2], damaged),
        "PNG with a wrong checksum": (png[:60] + bytes([png[60] ^ 1]) + png[61:], damaged),
        "PNG that declares 100,000 × 100,000": (_png(100_000, 100_000, b""), "too large"),
        "PNG bomb of 400 million pixels": (_png(20_000, 20_000, bytes(20_000 * 2_501)), "too large"),
        "PNG with a bomb for a text": (
            _png(8, 8, bytes(16), _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000)))),
            damaged,
        ),
        "GIF cut in half": (gif[: len(gif) // 2], damaged),
        "GIF that declares 65,535 × 65,535": (gif[:6] + struct.pack("<HH", 65_535, 65_535) + gif[10:], "too large"),
        "TIFF cut in half": (tiff[: len(tiff) // 2], damaged),
        "TIFF of 32 bits a channel": (coded("TIFF", Image.new("F", (64, 64))), "32 bits"),
        "TIFF whose directory is nowhere": (b"II*\0\xff\xff\xff\x7f" + bytes(100), damaged),
        "WebP cut in half": (webp[: len(webp) // 2], damaged),
        "BMP without its pixels": (bmp[:60], damaged),
        "BMP that declares 2 thousand million rows": (bmp[:22] + struct.pack("<i", 2**31 - 1) + bmp[26:], "too large"),
        "HEIC without its picture": (b"\0\0\0\x18ftypheic" + bytes(200), "HEIC"),
        "AVIF without its picture": (b"\0\0\0\x18ftypavif" + bytes(200), damaged),
        "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(200), "convert it"),
        "Photoshop file": (b"8BPS\0\x01" + bytes(200), "convert it"),
        "200,000 × 1": (coded("PNG", np.zeros((1, 200_000, 3), np.uint8)), "too elongated"),
    }
    good = {
        "PNG of 16 bits a channel": cv2.imencode(".png", photograph().astype(np.uint16) * 257)[1].tobytes(),
        "animation": coded("GIF", save_all=True, append_images=[Image.new("RGB", (320, 240), "red")]),
        "20,000 × 100": coded("JPEG", photograph(20_000, 100)),
        "CMYK": coded("JPEG", Image.fromarray(photograph()).convert("CMYK")),
        "one pixel": coded("PNG", np.zeros((1, 1, 3), np.uint8)),
        "PNG with more behind its pixels": _png(8, 8, bytes(20_000_000)),
    }
    return {
        **{name: Upload(data, said) for name, (data, said) in broken.items()},
        "one byte too many": Upload(jpeg + bytes(most_bytes + 1 - len(jpeg)), "too large", 413),
        **{name: Upload(data, "", 200) for name, data in good.items()},
    }


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, rows: bytes, before: bytes = b"") -> bytes:
    """A PNG of one bit a pixel."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + _chunk(b"IDAT", zlib.compress(rows, 1)) + _chunk(b"IEND", b"")
