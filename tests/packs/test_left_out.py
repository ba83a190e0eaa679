"""What is left out of a pack, with the reason, and what is not."""

import os
import random
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from catdog_exp.images.other_kinds import _reader
from tests.packs.packed import (
    CLASSES,
    JPEG,
    PICTURE,
    SCENE,
    encoded,
    pack_folder,
    pack_listing,
    packed,
    put,
    reason,
    source_of,
)

register_heif_opener()  # for Pillow to write them


def test_an_empty_file(folder: Path):
    assert reason(folder, "1.jpg", b"") == "empty file"


def test_a_text_named_as_a_picture(folder: Path):
    assert reason(folder, "1.jpg", b"<html>404 not found</html>") == "not a picture, or a damaged one"


def test_a_kind_that_is_not_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    _reader.cache_clear()
    assert reason(folder, "1.HEIC", heic) == (
        "a HEIC, which needs the extra heif: `pip install catdog-exp[heif]`, or convert it to JPEG"
    )
    assert "kind JPEG 2000" in reason(folder, "2.jpg", encoded(PICTURE, "JPEG2000"))


def test_a_picture_that_is_whole_is_not_called_damaged(folder: Path):
    deep = bytearray(JPEG)
    deep[deep.index(b"\xff\xc0") + 4] = 12
    lossless = JPEG.replace(b"\xff\xc0", b"\xff\xc3")
    numbers = encoded(Image.fromarray(np.ones((40, 40), np.float32)), "TIFF")
    tag = b"\x03\x01\x03\0\x01\0\0\0"  # the compression's
    tiff = encoded(PICTURE, "TIFF", compression="tiff_lzw").replace(tag + b"\x05", tag + b"\x77")
    bmp = bytearray(encoded(PICTURE, "BMP"))
    bmp[30] = 5  # a PNG inside
    for number, content in enumerate((bytes(deep), lossless, numbers, tiff, bytes(bmp))):
        assert "of a kind that is not read here" in reason(folder, f"{number}.jpg", content), number


@pytest.mark.parametrize("hole", [bytes(200), b"\xff" * 200, random.Random(1).randbytes(200)])
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "group4"])
def test_a_tiff_with_a_hole(folder: Path, compression: str, hole: bytes):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8))
    whole = encoded(noise.convert("1") if compression == "group4" else noise, "TIFF", compression=compression)
    damaged = bytearray(whole)
    place = len(whole) // 2
    damaged[place : place + 200] = hole
    files = {"train/cat/1.tif": bytes(damaged), "train/cat/2.tif": whole}
    result = pack_folder(put(folder, files), folder.parent / "packs")
    assert list(result.reasons) == ["train/cat/1.tif"]
    assert "damaged" in result.reasons["train/cat/1.tif"]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("kind", ["JPEG", "progressive", "PNG", "WEBP", "lossless", "GIF"])
def test_a_picture_that_is_cut_short_is_left_out_and_not_half_gray(folder: Path, kind: str, share: float):
    settings = {"progressive": {"progressive": True}, "lossless": {"lossless": True}}.get(kind, {})
    whole = encoded(PICTURE, {"progressive": "JPEG", "lossless": "WEBP"}.get(kind, kind), **settings)
    assert reason(folder, "1.jpg", whole[: int(share * len(whole))]).startswith("cut short")


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PNG"])
def test_a_damaged_picture_of_another_kind_is_left_out(folder: Path, kind: str, capfd: pytest.CaptureFixture[str]):
    whole = encoded(PICTURE, kind)
    damaged = whole[:-2000] if kind != "PNG" else whole[:200] + b"damage" + whole[206:]
    assert reason(folder, "1.png", damaged).startswith(("damaged", "cut short"))


def test_nothing_but_progress_is_shown_for_damaged_pictures(folder: Path, capfd: pytest.CaptureFixture[str]):
    damaged = bytearray(JPEG)
    middle = len(JPEG) * 2 // 3
    damaged[middle : middle + 200] = bytes(200)
    png = encoded(PICTURE, "PNG")
    tiff = bytearray(encoded(PICTURE, "TIFF", compression="tiff_lzw"))
    tiff[1000:1100] = bytes(100)
    files = {"1.jpg": bytes(damaged), "2.png": png[:200] + b"damage" + png[206:], "3.tif": bytes(tiff)}
    pack_folder(put(folder, {f"train/cat/{name}": content for name, content in files.items()}), folder.parent / "packs")
    shown = capfd.readouterr()
    assert shown.out == ""
    lines = [line for line in shown.err.replace("\r", "\n").split("\n") if line]
    assert [line for line in lines if not line.startswith("packing ")] == []


@pytest.mark.parametrize(("width", "height"), [(40, 1), (1, 40), (1, 1)])
def test_a_picture_of_one_row_or_column_is_enlarged(folder: Path, width: int, height: int):
    content = encoded(Image.new("RGB", (width, height), (250, 120, 10)), "PNG")
    picture = packed(folder, "1.png", content)
    assert picture.shape == (32 * height, 32 * width, 3)
    assert np.abs(picture - np.array((250.0, 120, 10))).max() < 8


def test_a_picture_smaller_than_the_size_wanted_is_enlarged(folder: Path):
    picture = packed(folder, "1.png", encoded(PICTURE.resize((16, 12)), "PNG"))
    assert picture.shape == (32, 43, 3)
    assert np.abs(picture.astype(float) - cv2.resize(SCENE, (43, 32), interpolation=cv2.INTER_AREA)).mean() < 8


def test_a_picture_too_elongated_for_a_jpeg_is_left_out(folder: Path):
    assert reason(folder, "1.png", encoded(Image.new("RGB", (4000, 1)), "PNG")).startswith("too elongated: 4")


def test_a_file_that_is_gone_when_its_turn_comes(folder: Path):
    listing = source_of(put(folder, {"train/cat/1.jpg": JPEG})).listing(CLASSES)
    (folder / "train/cat/1.jpg").unlink()
    assert pack_listing(listing, folder.parent / "packs").reasons == {"train/cat/1.jpg": "no such file"}


@pytest.fixture
def open_folder():
    """A folder that every user of the machine may write to, with nothing above it closed to them."""
    with tempfile.TemporaryDirectory(prefix="pictures", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_a_file_that_its_reader_may_not_read(open_folder: Path):
    put(open_folder / "pictures", {"train/cat/1.jpg": JPEG})
    assert pack_folder(open_folder / "pictures", open_folder / "1").reasons == {}
    (open_folder / "pictures/train/cat/1.jpg").chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(65534)
    try:
        result = pack_folder(open_folder / "pictures", open_folder / "2")
    finally:
        os.seteuid(user)
    assert result.reasons == {"train/cat/1.jpg": "no permission to read it"}


def test_random_bytes_under_a_true_beginning_never_stop_the_packing(folder: Path):
    draw = random.Random(0)
    files = {}
    for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"):
        whole = encoded(PICTURE, kind)
        for number in range(12):
            damaged = bytearray(whole)
            for _ in range(20):
                damaged[draw.randrange(10, len(damaged) if number % 2 else 200)] = draw.randrange(256)
            files[f"train/cat/{kind}{number}.png"] = bytes(damaged)
    result = pack_folder(put(folder, files), folder.parent / "packs", max_rejects=None)
    assert set(result.pictures) | set(result.reasons) >= set(files)
    assert all(result.reasons.values())
