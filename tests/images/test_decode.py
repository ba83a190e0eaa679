import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from catdog_exp.images.decode import Unreadable, decode_picture, read_picture
from catdog_exp.images.resize import Pixels, resize, size_with


def encoded_as(picture: np.ndarray, kind: str = ".jpg", *settings: int) -> bytes:
    return cv2.imencode(kind, picture, settings)[1].tobytes()


def shrunk(picture: Pixels, short_edge: int) -> Pixels:
    height, width = picture.shape[:2]
    return resize(picture, *size_with(short_edge, width, height))


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
    file.write_bytes(encoded_as(scene, kind))
    picture = read_picture(file)
    assert picture.dtype == np.uint8
    assert _difference(picture, scene) < 3


def test_a_name_in_any_script_is_read(tmp_path: Path, scene: Pixels):
    file = tmp_path / "süße 猫 🐈.jpg"
    file.write_bytes(encoded_as(scene))
    assert read_picture(file).shape == (480, 640, 3)


def test_gray_and_16_bits_become_three_channels_of_8(scene: Pixels):
    gray = cv2.cvtColor(scene, cv2.COLOR_BGR2GRAY)
    assert _difference(decode_picture(encoded_as(gray, ".png")), cv2.merge([gray] * 3)) == 0
    assert decode_picture(encoded_as(gray)).shape == (480, 640, 3)
    deep = decode_picture(encoded_as(scene.astype(np.uint16) * 257, ".png"))
    assert deep.dtype == np.uint8
    assert _difference(deep, scene) < 1


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("short_edge", [None, 32])
def test_the_orientation_of_a_camera_is_honoured(scene: Pixels, orientation: int, turn: int, short_edge: int | None):
    jpeg = encoded_as(scene)
    picture = decode_picture(_with_orientation(jpeg, orientation), short_edge)
    if short_edge is None:
        picture = shrunk(picture, 32)
    assert _difference(picture, shrunk(np.rot90(scene, turn), 32)) < 3


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize(
    ("target", "flag"),
    [
        (240, cv2.IMREAD_COLOR),
        (121, cv2.IMREAD_COLOR),
        (120, cv2.IMREAD_REDUCED_COLOR_2),
        (60, cv2.IMREAD_REDUCED_COLOR_4),
        (30, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_8),
    ],
)
def test_a_jpeg_is_decoded_at_a_fraction_that_keeps_twice_the_target(target: int, flag: int, progressive: int):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    jpeg = encoded_as(noise, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    at_fraction = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag)
    assert np.array_equal(decode_picture(jpeg, target), resize(at_fraction, *size_with(target, 640, 480)))


def test_a_reduced_decode_looks_like_a_full_one(scene: Pixels):
    jpeg = encoded_as(scene)
    assert _difference(decode_picture(jpeg, 32), shrunk(decode_picture(jpeg), 32)) < 1


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_reduced_decode_has_the_size_of_a_full_one(scene: Pixels, orientation: int):
    draw = np.random.default_rng(0)
    for width, height in draw.integers(128, 400, (50, 2)).tolist():
        jpeg = _with_orientation(encoded_as(resize(scene, width, height)), orientation)
        assert decode_picture(jpeg, 8).shape == shrunk(decode_picture(jpeg), 8).shape


@pytest.mark.slow
def test_no_photograph_is_called_damaged_and_all_have_the_pixels_that_opencv_sees(real_pictures: Path):
    for path in real_pictures.rglob("*.jpg"):
        assert np.array_equal(read_picture(path), cv2.imread(str(path))), path


def test_a_jpeg_with_something_behind_its_end_is_read(scene: Pixels):
    jpeg = encoded_as(scene)
    assert _difference(decode_picture(jpeg + b"camera maker's notes" * 9), decode_picture(jpeg)) == 0


@pytest.mark.parametrize(
    "data",
    [b"hello", b"BMW, Audi and Opel are makers of cars", b"RIFF" + bytes(40), b"\0" * 5000, b"<html>not found</html>"],
)
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
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(Unreadable, match="a pipe"):
        read_picture(tmp_path / "pipe.jpg")
    with (tmp_path / "film.jpg").open("wb") as film:
        film.truncate(20 * 2**30)  # a hole, which takes no room on the disk
    with pytest.raises(Unreadable, match=r"^too large: decoding it takes 21,475 MB"):
        read_picture(tmp_path / "film.jpg")


def test_a_file_without_permission_is_refused(tmp_path: Path, scene: Pixels):
    file = tmp_path / "secret.jpg"
    file.write_bytes(encoded_as(scene))
    file.chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(Unreadable, match="no permission"):
            read_picture(file)
    finally:
        os.seteuid(user)
