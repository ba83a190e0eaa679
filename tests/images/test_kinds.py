"""Every kind of picture file that people have is packed as it looks."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from tests.packs.packed import JPEG, PICTURE, SCENE, encoded, looks_like, packed

register_heif_opener()  # for Pillow to write them, as it writes AVIF by itself


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


def test_a_gray_jpeg(folder: Path):
    gray = PICTURE.convert("L")
    assert looks_like(packed(folder, "1.jpg", encoded(gray, "JPEG")), np.asarray(gray.convert("RGB")))


def test_a_progressive_jpeg(folder: Path):
    assert looks_like(packed(folder, "1.jpg", encoded(PICTURE, "JPEG", progressive=True)), SCENE)


def test_a_jpeg_for_print(folder: Path):
    cmyk = encoded(PICTURE.convert("CMYK"), "JPEG", quality=95)
    assert looks_like(packed(folder, "1.jpg", cmyk), SCENE)


def test_a_jpeg_for_print_as_adobe_writes_it(folder: Path):
    # YCCK: luma and chroma of the inverted colours, and black, told by the last byte of the Adobe segment.
    inverted = np.asarray(Image.fromarray(255 - SCENE).convert("YCbCr"))
    channels = np.dstack([255 - inverted, np.zeros(SCENE.shape[:2], np.uint8)])  # Pillow inverts them once more
    ycck = bytearray(encoded(Image.fromarray(channels, "CMYK"), "JPEG", quality=95))
    ycck[ycck.index(b"Adobe") + 11] = 2
    assert looks_like(packed(folder, "1.jpg", bytes(ycck)), SCENE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_taken_with_a_turned_camera_stands_upright(folder: Path, orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for number, (kind, settings) in enumerate(
        [
            ("JPEG", {"quality": 95}),
            ("PNG", {}),
            ("WEBP", {"lossless": True}),
            ("TIFF", {}),
            ("AVIF", {"quality": 95}),
            ("HEIF", {"quality": 95}),
        ]
    ):
        content = encoded(PICTURE, kind, exif=exif, **settings)
        (folder.parent / "as it is").write_bytes(content)
        with Image.open(folder.parent / "as it is") as seen:
            wanted = np.asarray(ImageOps.exif_transpose(seen).convert("RGB"))
        assert looks_like(packed(folder, f"{number}.jpg", content), wanted), kind
        (folder / f"train/cat/{number}.jpg").unlink()


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_orientation_counts_behind_other_notes_of_the_camera(folder: Path, order: str):
    def segment(content: bytes) -> bytes:
        return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content

    start = {"<": b"II*\0", ">": b"MM\0*"}[order]
    tiff = start + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    notes = segment(b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>") + segment(b"Exif\0\0" + tiff)
    assert looks_like(packed(folder, "1.jpg", JPEG[:2] + notes + JPEG[2:]), np.rot90(SCENE, 3))


def test_damaged_notes_of_the_camera_do_no_harm(folder: Path):
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff"
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    assert looks_like(packed(folder, "1.jpg", JPEG[:2] + segment + JPEG[2:]), SCENE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_is_white(folder: Path, kind: str):
    opacity = np.tile(np.linspace(0, 255, 128).astype(np.uint8), (96, 1))
    picture = PICTURE.copy()
    picture.putalpha(Image.fromarray(opacity))
    shown = SCENE * (opacity[..., None] / 255) + 255 - opacity[..., None]
    settings = {"lossless": True} if kind == "WEBP" else {}
    assert looks_like(packed(folder, "1.png", encoded(picture, kind, **settings)), shown.astype(np.uint8))


def test_a_png_with_16_bits_a_channel(folder: Path):
    for number, depth in enumerate((3, 4)):
        deep = np.full((96, 128, depth), 65535, np.uint16)
        deep[..., :3] = SCENE[..., ::-1].astype(np.uint16) * 257
        content = cv2.imencode(".png", deep)[1].tobytes()
        assert looks_like(packed(folder, f"{number}.png", content), SCENE)
        (folder / f"train/cat/{number}.png").unlink()


def test_a_gray_png_with_16_bits(folder: Path):
    gray = cv2.cvtColor(SCENE, cv2.COLOR_RGB2GRAY)
    content = cv2.imencode(".png", gray.astype(np.uint16) * 257)[1].tobytes()
    assert looks_like(packed(folder, "1.png", content), np.dstack([gray] * 3))


def test_a_png_and_a_gif_with_a_palette_and_a_transparent_colour(folder: Path):
    drawn = Image.new("P", (96, 96), 0)
    drawn.putpalette([0, 0, 0, 200, 30, 30])
    drawn.paste(1, (24, 24, 72, 72))
    shown = np.full((96, 96, 3), 255, np.uint8)
    shown[24:72, 24:72] = (200, 30, 30)
    for kind in ("PNG", "GIF"):
        picture = packed(folder, f"1.{kind.lower()}", encoded(drawn, kind, transparency=0))
        assert looks_like(picture, shown, tolerance=8), kind
        (folder / f"train/cat/1.{kind.lower()}").unlink()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_bmp_of_any_depth(folder: Path, mode: str):
    picture = PICTURE.convert(mode, dither=Image.Dither.NONE)
    content = encoded(picture, "BMP")
    assert looks_like(packed(folder, "1.bmp", content), np.asarray(picture.convert("RGB")), tolerance=8)


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp(folder: Path, lossless: bool):
    assert looks_like(packed(folder, "1.webp", encoded(PICTURE, "WEBP", lossless=lossless)), SCENE)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame(folder: Path, kind: str):
    others = [Image.new("RGB", PICTURE.size, colour) for colour in ("black", "white")]
    settings = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(PICTURE, kind, save_all=True, append_images=others, **settings)
    assert looks_like(packed(folder, "1.gif", content), SCENE, tolerance=8)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_tiff_of_any_depth(folder: Path, mode: str, compression: str):
    picture = PICTURE.convert(mode, dither=Image.Dither.NONE)
    content = encoded(picture, "TIFF", compression=compression)
    assert looks_like(packed(folder, "1.tif", content), np.asarray(picture.convert("RGB")), tolerance=8)
