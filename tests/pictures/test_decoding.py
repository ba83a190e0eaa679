import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from catdog_exp.pictures.decoding import (
    Pixels,
    Unreadable,
    center_square,
    decode_picture,
    read_picture,
    shrink,
)


@pytest.fixture
def scene() -> Pixels:
    """480 rows × 640 columns: smooth, and each quarter in a colour of its own (BGR)."""
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:240, :320] = (200, 30, 30)
    picture[:240, 320:] = (30, 200, 30)
    picture[240:, :320] = (30, 30, 200)
    picture[240:, 320:] = (220, 220, 220)
    return cv2.GaussianBlur(picture, (0, 0), 9).astype(np.uint8)


def _encoded(picture: np.ndarray, kind: str = ".jpg", *settings: int) -> bytes:
    return cv2.imencode(kind, picture, settings)[1].tobytes()


def _with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF segment of that one tag."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
def test_a_picture_is_read_as_bgr(tmp_path: Path, scene: Pixels, kind: str):
    file = tmp_path / f"picture{kind}"
    file.write_bytes(_encoded(scene, kind))
    picture = read_picture(file)
    assert picture.dtype == np.uint8
    assert _difference(picture, scene) < 3


def test_a_name_in_any_script_is_read(tmp_path: Path, scene: Pixels):
    file = tmp_path / "süße 猫 🐈.jpg"
    file.write_bytes(_encoded(scene))
    assert read_picture(file).shape == (480, 640, 3)


def test_gray_alpha_and_16_bits_become_three_channels_of_8(scene: Pixels):
    gray = cv2.cvtColor(scene, cv2.COLOR_BGR2GRAY)
    assert _difference(decode_picture(_encoded(gray, ".png")), cv2.merge([gray] * 3)) == 0
    assert decode_picture(_encoded(gray)).shape == (480, 640, 3)
    alpha = np.dstack([scene, np.full((480, 640), 128, np.uint8)])
    assert _difference(decode_picture(_encoded(alpha, ".png")), scene) == 0
    deep = decode_picture(_encoded(scene.astype(np.uint16) * 257, ".png"))
    assert deep.dtype == np.uint8
    assert _difference(deep, scene) < 1


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("short_edge", [None, 32])
def test_the_orientation_of_a_camera_is_honoured(scene: Pixels, orientation: int, turn: int, short_edge: int | None):
    jpeg = _encoded(scene)
    picture = shrink(decode_picture(_with_orientation(jpeg, orientation), short_edge), 32)
    assert _difference(picture, shrink(np.rot90(scene, turn), 32)) < 3


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize(("target", "edge"), [(240, 480), (121, 480), (120, 240), (60, 120), (30, 60), (4, 60)])
def test_a_jpeg_is_decoded_at_a_fraction_that_keeps_twice_the_target(
    scene: Pixels, target: int, edge: int, progressive: int
):
    picture = decode_picture(_encoded(scene, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, progressive), target)
    assert min(picture.shape[:2]) == edge


def test_a_reduced_decode_looks_like_a_full_one(scene: Pixels):
    jpeg = _encoded(scene)
    assert _difference(shrink(decode_picture(jpeg, 32), 32), shrink(decode_picture(jpeg), 32)) < 1


def _cut_jpegs(scene: Pixels) -> dict[str, bytes]:
    jpeg = _encoded(scene)
    progressive = _encoded(scene, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    # The thumbnail that a camera puts into the EXIF segment has an end of its own.
    thumbnail = _encoded(shrink(scene, 48))
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    return {
        "half": jpeg[: len(jpeg) // 2],
        "all but one byte": jpeg[:-1],
        "header": jpeg[:100],
        "three bytes": jpeg[:3],
        "progressive": progressive[: len(progressive) // 2],
        "filled with zeros": jpeg[: len(jpeg) // 2] + bytes(len(jpeg) // 2),
        "with a thumbnail": jpeg[:2] + segment + jpeg[2 : len(jpeg) // 2],
    }


def test_a_jpeg_that_is_cut_short_is_refused_and_nothing_is_written_to_stderr(
    scene: Pixels, capfd: pytest.CaptureFixture[str]
):
    for short_edge in (None, 32):
        for jpeg in _cut_jpegs(scene).values():
            with pytest.raises(Unreadable, match="cut short"):
                decode_picture(jpeg, short_edge)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", [".png", ".bmp", ".webp", ".tiff"])
def test_other_pictures_that_are_cut_short_are_refused_silently(
    scene: Pixels, kind: str, capfd: pytest.CaptureFixture[str]
):
    whole = _encoded(scene, kind)
    with pytest.raises(Unreadable):
        decode_picture(whole[: len(whole) // 2])
    assert capfd.readouterr().err == ""


def test_a_jpeg_with_something_behind_its_end_is_read(scene: Pixels):
    jpeg = _encoded(scene)
    assert _difference(decode_picture(jpeg + b"camera maker's notes" * 9), decode_picture(jpeg)) == 0


def test_a_jpeg_with_stray_bytes_in_its_header_is_read(scene: Pixels):
    jpeg = _encoded(scene)
    assert decode_picture(jpeg[:20] + b"\0\0\0" + jpeg[20:], 32).shape == (480, 640, 3)


@pytest.mark.parametrize("data", [b"hello", b"\0" * 5000, b"GIF89a", b"<html>not found</html>"])
def test_what_is_no_picture_is_refused(data: bytes):
    with pytest.raises(Unreadable, match="not a picture"):
        decode_picture(data)


def test_what_cannot_be_read_is_refused(tmp_path: Path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(Unreadable, match="empty file"):
        read_picture(tmp_path / "empty.jpg")
    with pytest.raises(Unreadable, match="no such file"):
        read_picture(tmp_path / "missing.jpg")
    with pytest.raises(Unreadable, match="directory"):
        read_picture(tmp_path)


def test_a_file_without_permission_is_refused(tmp_path: Path, scene: Pixels):
    file = tmp_path / "secret.jpg"
    file.write_bytes(_encoded(scene))
    file.chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(Unreadable, match="no permission"):
            read_picture(file)
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    ("height", "width", "edge", "shape"),
    [
        (480, 640, 32, (32, 43)),
        (640, 480, 32, (43, 32)),
        (100, 100, 32, (32, 32)),
        (33, 34, 32, (32, 33)),
        (16, 20, 32, (32, 40)),
        (32, 50, 32, (32, 50)),
        (1, 1, 8, (8, 8)),
    ],
)
def test_the_short_edge_is_what_was_asked_for(height: int, width: int, edge: int, shape: tuple[int, int]):
    assert shrink(np.zeros((height, width, 3), np.uint8), edge).shape == (*shape, 3)


def test_shrinking_averages_fine_patterns_away():
    board = np.indices((512, 512)).sum(axis=0) % 2 * 255
    small = shrink(np.dstack([board.astype(np.uint8)] * 3), 32)
    assert np.ptp(small) <= 1
    assert abs(float(small.mean()) - 127.5) <= 1


def test_a_picture_whose_long_edge_no_jpeg_can_hold_is_refused():
    with pytest.raises(Unreadable, match="too elongated: 4000 × 1 pixels"):
        shrink(np.zeros((1, 4000, 3), np.uint8), 32)


def test_the_square_is_the_middle():
    picture = np.arange(4 * 9 * 3, dtype=np.uint8).reshape(4, 9, 3)
    assert np.array_equal(center_square(picture, 4), picture[:, 2:6])
    assert np.array_equal(center_square(picture.swapaxes(0, 1), 4), picture.swapaxes(0, 1)[2:6])
    assert np.array_equal(center_square(picture, 2), picture[1:3, 3:5])
