"""Pictures that are larger than packing may take memory for."""

import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from tests.packs.packed import (
    PICTURE,
    encoded,
    pack_folder,
    packed,
    put,
    reason,
)

register_heif_opener()  # for Pillow to write them


def _declaring(width: int, height: int) -> dict[str, bytes]:
    """Small files that declare a picture of that size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = zlib.compress(bytes(1_000_000))
    png = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", rows)
    jpeg = bytearray(encoded(PICTURE, "JPEG", progressive=True))
    frame = jpeg.index(b"\xff\xc2")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    gif = bytearray(encoded(PICTURE, "GIF"))
    gif[6:10] = struct.pack("<HH", width, height)
    bmp = bytearray(encoded(PICTURE, "BMP"))
    bmp[18:26] = struct.pack("<ii", width, height)
    tiff = encoded(Image.new("1", (8, 8)), "TIFF")
    for tag, value in ((256, width), (257, height)):
        entry = tiff.index(struct.pack("<H", tag))
        tiff = tiff[:entry] + struct.pack("<HHII", tag, 4, 1, value) + tiff[entry + 12 :]
    webp = bytearray(encoded(PICTURE, "WEBP", exif=Image.Exif().tobytes() + b"\0"))
    webp[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return {
        "1.png": b"\x89PNG\r\n\x1a\n" + png + chunk(b"IEND", b""),
        "2.jpg": bytes(jpeg),
        "3.gif": bytes(gif),
        "4.bmp": bytes(bmp),
        "5.tif": tiff,
        "6.webp": bytes(webp),
    }


def test_pictures_that_declare_an_immense_size_are_left_out_before_memory_is_spent(folder: Path):
    files = {f"train/cat/{name}": content for name, content in _declaring(60_000, 60_000).items()}
    pack_folder(put(folder, {}), folder.parent / "packs")  # what is only ever loaded once
    put(folder, files)
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest use of memory so far
    before = _memory("VmHWM")
    started = time.perf_counter()
    result = pack_folder(folder, folder.parent / "packs", max_rejects=None)
    assert time.perf_counter() - started < 5
    assert _memory("VmHWM") - before < 50
    # No frame of a WebP can be so large.
    assert result.reasons.pop("train/cat/6.webp") == "cut short or damaged: a WebP that cannot be decoded"
    assert result.reasons == dict.fromkeys(
        [*files][:-1], "too large: it declares 60,000 × 60,000 pixels, more than data.max_pixels=89478485"
    )


def _memory(what: str) -> float:
    """MB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(what))) / 1024


def test_how_many_pixels_are_too_many_is_a_setting(folder: Path):
    large = cv2.imencode(".jpg", np.zeros((12_240, 16_320), np.uint8))[1].tobytes()  # what the largest phones take
    assert packed(folder, "1.jpg", large, max_pixels=200_000_000).shape == (32, 43, 3)
    assert reason(folder, "1.jpg", large).startswith("too large: it declares 16,320 × 12,240 pixels")
    small = {kind: encoded(PICTURE, kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "HEIF")}
    put(folder, {f"train/cat/{kind}.png": content for kind, content in small.items()})
    result = pack_folder(folder, folder.parent / "packs", max_pixels=PICTURE.width * PICTURE.height - 1)
    assert {path for path in result.reasons if "too large: it declares 128 × 96" in result.reasons[path]} == {
        f"train/cat/{kind}.png" for kind in small
    }


@pytest.mark.slow
def test_many_large_pictures_are_packed_in_less_than_a_gigabyte(folder: Path):
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    size = 9000
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0))
    rows = zlib.compress(bytes(size * (4 * size + 1)), 1)
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    webp = encoded(Image.new("RGB", (6000, 6000), "red"), "WEBP", method=0)
    files = {f"train/cat/{number}.png": png + bytes(number) for number in range(6)}
    put(folder, {**files, "train/dog/1.webp": webp, "train/dog/2.webp": webp + b"\0"})
    # Not getrusage: that begins with the memory of the process that started this one.
    program = (
        "import re, sys; from pathlib import Path; from tests.packs.packed import pack_folder;"
        "result = pack_folder(Path(sys.argv[1]), Path(sys.argv[2]));"
        "print(len(result.pictures), *re.findall(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), str(folder.parent / "packs")],
        capture_output=True,
        text=True,
        check=True,
    )
    pictures, kilobytes = map(int, done.stdout.split())
    assert pictures == 12
    assert kilobytes < 1_000_000
