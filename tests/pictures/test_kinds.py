"""Every kind of file that people have: packed as it looks, or left out with the reason."""

import os
import random
import struct
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from catdog_exp.mx import mx
from tests.pictures.packed import CLASSES, encoded, pack_folder, pack_listing, put, source_of

SCENE = np.zeros((96, 128, 3), np.uint8)
SCENE[:48, :64] = (200, 30, 30)
SCENE[:48, 64:] = (30, 200, 30)
SCENE[48:, :64] = (30, 30, 200)
SCENE[48:, 64:] = (220, 220, 90)
SCENE = cv2.GaussianBlur(SCENE, (0, 0), 5).astype(np.uint8)
PICTURE = Image.fromarray(SCENE)
WHITE = np.full_like(SCENE, 255)
JPEG = encoded(PICTURE, "JPEG", quality=95)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


def looks_like(picture: np.ndarray, wanted: np.ndarray, tolerance: float = 4) -> bool:
    """Whether a packed picture is what `wanted` (RGB) gives when it is made as small."""
    height, width = wanted.shape[:2]
    size = (round(width * 32 / min(width, height)), round(height * 32 / min(width, height)))
    if picture.shape[1::-1] != size:
        return False
    small = cv2.resize(wanted, size, interpolation=cv2.INTER_AREA)
    return bool(np.abs(picture.astype(float) - small).mean() < tolerance)


def packed(folder: Path, name: str, content: bytes, **settings: Any) -> np.ndarray:
    """The picture that a file becomes in a pack."""
    result = pack_folder(put(folder, {f"train/cat/{name}": content}), folder.parent / "packs", **settings)
    assert result.reasons == {}
    return result.pictures[f"train/cat/{name}"]


def reason(folder: Path, name: str, content: bytes) -> str:
    """Why a file is left out of a pack."""
    result = pack_folder(put(folder, {f"train/cat/{name}": content}), folder.parent / "packs")
    assert f"train/cat/{name}" not in result.pictures
    assert len(result.pictures) == 4
    return result.reasons[f"train/cat/{name}"]


# Kinds.


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
        [("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})]
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


# Names.


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_the_content_decides_and_not_the_extension(folder: Path, kind: str):
    for name in ("1.jpg", "1.PNG", "1.Gif"):
        assert looks_like(packed(folder, name, encoded(PICTURE, kind)), SCENE, tolerance=8)
        (folder / "train/cat" / name).unlink()


ODD_NAMES = [
    "UPPER.JPEG",
    "süße 猫 🐈 100 %.jpg",
    "n" * 251 + ".jpg",
    "猫" * 83 + ".jpg",  # 253 bytes
    "a\ttab.jpg",
    "two\nlines.jpg",
    "carriage\rreturn.jpg",
    'quotes " and, commas.jpg',
    r"back\slash \x09.jpg",
    os.fsdecode(b"latin \xe9t\xe9.jpg"),
    "-rf.jpg",
]


def test_a_file_of_any_name_is_packed_and_mxnet_reads_the_pack(folder: Path):
    drawn = [encoded(Image.new("RGB", (40, 40), (9 * place, 0, 0)), "PNG") for place in range(len(ODD_NAMES))]
    files = {f"train/dog/{name}": content for name, content in zip(ODD_NAMES, drawn, strict=True)}
    result = pack_folder(put(folder, files), folder.parent / "packs")
    assert result.reasons == {}
    assert set(files) <= set(result.pictures)
    (rec,) = result.pack.records("train")
    paths = {"path_imgrec": str(rec), "path_imglist": str(rec.with_suffix(".lst"))}
    batches = mx.io.ImageRecordIter(**paths, data_shape=(3, 32, 32), batch_size=1, round_batch=False)
    labels = [float(batch.label[0].asscalar()) for batch in batches]
    assert sorted(labels) == [0.0] + [1.0] * (1 + len(ODD_NAMES))
    listed = mx.image.ImageIter(1, (3, 32, 32), **paths, path_imgidx=str(rec.with_suffix(".idx")))
    assert len(listed.imglist) == len(labels)


def test_a_left_out_file_of_an_odd_name_has_one_line_in_the_list_of_them(folder: Path):
    result = pack_folder(put(folder, {"train/cat/two\nlines \t.jpg": b""}), folder.parent / "packs")
    assert result.reasons == {"train/cat/two\nlines \t.jpg": "empty file"}
    assert (result.pack.folder / "rejected.csv").read_text(encoding="utf-8").splitlines() == [
        "path,class,reason",
        r"train/cat/two\x0alines \x09.jpg,cat,empty file",
    ]


# Links, and what is hidden.


def test_links_are_followed_and_those_that_lead_nowhere_are_told(folder: Path, tmp_path: Path):
    put(folder, {})
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "1.jpg").write_bytes(JPEG)
    (tmp_path / "2.png").write_bytes(encoded(PICTURE.rotate(180), "PNG"))
    cats = folder / "train" / "cat"
    (cats / "album").symlink_to(tmp_path / "album")
    (cats / "2.png").symlink_to(tmp_path / "2.png")
    (cats / "3.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (cats / "4.jpg").symlink_to("4.jpg")
    (cats / "circle").symlink_to(cats)
    result = pack_folder(folder, tmp_path / "packs")
    assert {path for path in result.pictures if path.startswith("train/cat")} == {
        "train/cat/whole.png",
        "train/cat/album/1.jpg",
        "train/cat/2.png",
    }
    assert result.reasons == {
        "train/cat/3.jpg": "a link to a file that is not there",
        "train/cat/4.jpg": "a link that leads back to itself",
    }


def test_hidden_files_and_folders_are_passed_over(folder: Path):
    put(folder, {"train/cat/._1.jpg": b"", "train/cat/.hidden.png": JPEG})
    (folder / "train" / "cat" / ".thumbnails").mkdir()
    (folder / "train" / "cat" / ".thumbnails" / "1.jpg").write_bytes(JPEG)
    result = pack_folder(folder, folder.parent / "packs")
    assert (len(result.pictures), result.reasons) == (4, {})


# What is left out, and why.


def test_an_empty_file(folder: Path):
    assert reason(folder, "1.jpg", b"") == "empty file"


def test_a_text_named_as_a_picture(folder: Path):
    assert reason(folder, "1.jpg", b"<html>404 not found</html>") == "not a picture, or a damaged one"


def test_a_kind_that_is_not_read_is_named(folder: Path):
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
    assert reason(folder, "1.HEIC", heic) == "a picture of the kind HEIC, which is not read here: convert it to JPEG"
    avif = encoded(PICTURE, "AVIF")
    assert "kind AVIF" in reason(folder, "2.jpg", avif)


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
    assert result.reasons == dict.fromkeys(files, "too large: it declares 60,000 × 60,000 pixels")


def _memory(what: str) -> float:
    """MB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(what))) / 1024


def test_a_photograph_of_200_million_pixels_is_not_too_large(folder: Path):
    file = folder.parent / "large.jpg"
    file.write_bytes(cv2.imencode(".jpg", np.zeros((12_240, 16_320), np.uint8))[1].tobytes())
    assert packed(folder, "1.jpg", file.read_bytes()).shape == (32, 43, 3)


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
