import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from catdog_exp.images.decode import Unreadable, decode_picture, read_picture
from catdog_exp.images.resize import Pixels, resize, size_with
from catdog_exp.parallel import in_order
from tests.packs.packed import encoded


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


def _shrunk(picture: Pixels, short_edge: int) -> Pixels:
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
    file.write_bytes(_encoded(scene, kind))
    picture = read_picture(file)
    assert picture.dtype == np.uint8
    assert _difference(picture, scene) < 3


def test_a_name_in_any_script_is_read(tmp_path: Path, scene: Pixels):
    file = tmp_path / "süße 猫 🐈.jpg"
    file.write_bytes(_encoded(scene))
    assert read_picture(file).shape == (480, 640, 3)


def test_gray_and_16_bits_become_three_channels_of_8(scene: Pixels):
    gray = cv2.cvtColor(scene, cv2.COLOR_BGR2GRAY)
    assert _difference(decode_picture(_encoded(gray, ".png")), cv2.merge([gray] * 3)) == 0
    assert decode_picture(_encoded(gray)).shape == (480, 640, 3)
    deep = decode_picture(_encoded(scene.astype(np.uint16) * 257, ".png"))
    assert deep.dtype == np.uint8
    assert _difference(deep, scene) < 1


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("short_edge", [None, 32])
def test_the_orientation_of_a_camera_is_honoured(scene: Pixels, orientation: int, turn: int, short_edge: int | None):
    jpeg = _encoded(scene)
    picture = decode_picture(_with_orientation(jpeg, orientation), short_edge)
    if short_edge is None:
        picture = _shrunk(picture, 32)
    assert _difference(picture, _shrunk(np.rot90(scene, turn), 32)) < 3


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
    jpeg = _encoded(noise, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    at_fraction = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag)
    assert np.array_equal(decode_picture(jpeg, target), resize(at_fraction, *size_with(target, 640, 480)))


def test_a_reduced_decode_looks_like_a_full_one(scene: Pixels):
    jpeg = _encoded(scene)
    assert _difference(decode_picture(jpeg, 32), _shrunk(decode_picture(jpeg), 32)) < 1


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_reduced_decode_has_the_size_of_a_full_one(scene: Pixels, orientation: int):
    draw = np.random.default_rng(0)
    for width, height in draw.integers(128, 400, (50, 2)).tolist():
        jpeg = _with_orientation(_encoded(resize(scene, width, height)), orientation)
        assert decode_picture(jpeg, 8).shape == _shrunk(decode_picture(jpeg), 8).shape


def _cut_jpegs(scene: Pixels) -> dict[str, bytes]:
    jpeg = _encoded(scene)
    progressive = _encoded(scene, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    # The thumbnail that a camera puts into the EXIF segment has an end of its own.
    thumbnail = _encoded(_shrunk(scene, 48))
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


def test_a_jpeg_of_hundreds_of_scans_is_refused_before_it_takes_hours(scene: Pixels):
    jpeg = _encoded(scene, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    again = 200 * jpeg[jpeg.rindex(b"\xff\xda") : -2]
    with pytest.raises(Unreadable, match="more than 100 scans"):
        decode_picture(jpeg[:-2] + again + jpeg[-2:], 32)
    assert decode_picture(jpeg + again, 32).shape == (32, 43, 3)  # what stands behind the end takes no time


def test_a_jpeg_that_is_cut_short_is_refused_and_nothing_is_written_to_stderr(
    scene: Pixels, capfd: pytest.CaptureFixture[str]
):
    for short_edge in (None, 32):
        for jpeg in _cut_jpegs(scene).values():
            with pytest.raises(Unreadable, match="cut short"):
                decode_picture(jpeg, short_edge)
    assert capfd.readouterr().err == ""


def _with_height(jpeg: bytes, height: int) -> bytes:
    frame = jpeg.index(b"\xff\xc0")
    return jpeg[: frame + 5] + struct.pack(">H", height) + jpeg[frame + 7 :]


def _damaged_jpegs(scene: Pixels) -> dict[str, bytes]:
    jpeg = _encoded(scene)
    half = len(jpeg) // 2
    restarts = _encoded(scene, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 4)
    between = restarts.index(b"\xff\xd2") + 2
    progressive = _encoded(scene, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    noise = _encoded(np.random.default_rng(0).integers(0, 256, scene.shape, np.uint8))
    return {
        "cut, and its end put back": jpeg[:half] + jpeg[-2:],
        "a gap": jpeg[:half] + jpeg[half + 3000 :],
        "zeros": jpeg[:half] + bytes(3000) + jpeg[half + 3000 :],
        "zeros up to the end": jpeg[:-3002] + bytes(3000) + jpeg[-2:],
        "zeros put in before the end": jpeg[:-2] + bytes(300) + jpeg[-2:],
        "zeros put in the header": jpeg[:20] + bytes(3) + jpeg[20:],
        "line ends for Windows": noise[:700] + noise[700:].replace(b"\n", b"\r\n"),
        "line ends for Unix": noise[:700] + noise[700:].replace(b"\r", b"\n"),
        "half the height": _with_height(jpeg, 240),
        "twice the height": _with_height(jpeg, 960),
        "progressive": progressive[: len(progressive) // 2] + jpeg[-2:],
        "a restart left out": restarts[: restarts.index(b"\xff\xd2")] + restarts[restarts.index(b"\xff\xd4") :],
        "bytes changed between restarts": restarts[:between] + b"\x55\xaa\x55\xaa" + restarts[between + 4 :],
    }


@pytest.mark.parametrize("short_edge", [None, 32])
def test_a_damaged_jpeg_is_refused_with_a_reason(
    scene: Pixels, short_edge: int | None, capfd: pytest.CaptureFixture[str]
):
    for name, jpeg in _damaged_jpegs(scene).items():
        with pytest.raises(Unreadable, match=r"^damaged: \w+"):
            pytest.fail(f"read: {name}, {decode_picture(jpeg, short_edge).shape}")
    assert capfd.readouterr().err == ""


def test_a_damaged_jpeg_is_refused_by_all_threads_that_read_it_and_no_other_is(scene: Pixels):
    whole = _encoded(scene)
    damaged = list(_damaged_jpegs(scene).values())

    def is_read(jpeg: bytes) -> bool:
        try:
            decode_picture(jpeg, 32)
        except Unreadable:
            return False
        return True

    mixed = [whole, damaged[0], whole, whole, damaged[1], whole] * 20
    assert list(in_order(is_read, mixed, threads=8)) == [jpeg is whole for jpeg in mixed]


def test_notes_and_numbers_that_no_pixel_depends_on_do_not_make_a_jpeg_a_damaged_one(scene: Pixels):
    plain = _encoded(scene)
    noted = encoded(Image.fromarray(scene), "JPEG", icc_profile=b"profile" * 99)
    not_luma = encoded(Image.fromarray(scene), "JPEG", keep_rgb=True)
    transform = not_luma.index(b"Adobe") + 11
    scan = plain.index(b"\xff\xda") + 11
    unknown = {
        "revision of JFIF": (plain.replace(b"JFIF\0\1\1", b"JFIF\0\0\0"), plain),
        "profile": (noted.replace(b"ICC_PROFILE\0\1\1", b"ICC_PROFILE\0\7\1"), noted),
        "both": (noted.replace(b"FILE\0\1\1", b"FILE\0\7\1").replace(b"JFIF\0\1", b"JFIF\0\2"), noted),
        "transform of colours": (not_luma[:transform] + b"\7" + not_luma[transform + 1 :], not_luma),
        "frequencies": (plain[:scan] + bytes(3) + plain[scan + 3 :], plain),
    }
    for name, (unusual, usual) in unknown.items():
        assert unusual != usual, name
        assert np.array_equal(decode_picture(unusual, 32), decode_picture(usual, 32)), name
    with pytest.raises(Unreadable, match="damaged: premature end"):  # is still heard
        decode_picture(plain.replace(b"JFIF\0\1\1", b"JFIF\0\0\0")[: len(plain) // 2] + plain[-2:])


@pytest.mark.parametrize(
    ("place", "byte", "kind"),
    [(1, 0xC3, "lossless"), (1, 0xC5, "hierarchical"), (1, 0xF7, "lossless"), (4, 12, "12 bits a channel")],
)
def test_a_jpeg_of_a_kind_that_is_not_read_is_told_as_that(scene: Pixels, place: int, byte: int, kind: str):
    jpeg = bytearray(_encoded(scene))
    jpeg[jpeg.index(b"\xff\xc0") + place] = byte
    for short_edge in (None, 32):
        with pytest.raises(Unreadable, match=rf"^a JPEG of a kind that is not read here \({kind}\): convert it$"):
            decode_picture(bytes(jpeg), short_edge)


@pytest.mark.parametrize("kind", [".png", ".bmp", ".webp", ".tiff"])
def test_other_pictures_that_are_cut_short_are_refused_silently(
    scene: Pixels, kind: str, capfd: pytest.CaptureFixture[str]
):
    whole = _encoded(scene, kind)
    with pytest.raises(Unreadable):
        decode_picture(whole[: len(whole) // 2])
    assert capfd.readouterr().err == ""


def test_a_png_with_one_changed_bit_is_refused(scene: Pixels):
    whole = _encoded(scene, ".png")
    for place in range(100, len(whole) - 12, len(whole) // 40):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(Unreadable, match="cut short or damaged: a PNG that cannot be decoded"):
            decode_picture(bytes(changed))


@pytest.mark.slow
def test_no_photograph_is_called_damaged_and_all_have_the_pixels_that_opencv_sees(real_pictures: Path):
    for path in real_pictures.rglob("*.jpg"):
        assert np.array_equal(read_picture(path), cv2.imread(str(path))), path


def test_a_jpeg_with_something_behind_its_end_is_read(scene: Pixels):
    jpeg = _encoded(scene)
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
