"""Pictures that are damaged, cut short, or of a kind that is not read."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from catdog_exp.images.decode import Unreadable, decode_picture
from catdog_exp.images.resize import Pixels
from catdog_exp.parallel import in_order
from tests.images.test_decode import encoded_as, shrunk
from tests.packs.packed import encoded


def _cut_jpegs(scene: Pixels) -> dict[str, bytes]:
    jpeg = encoded_as(scene)
    progressive = encoded_as(scene, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    # The thumbnail that a camera puts into the EXIF segment has an end of its own.
    thumbnail = encoded_as(shrunk(scene, 48))
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
    jpeg = encoded_as(scene, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
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
    jpeg = encoded_as(scene)
    half = len(jpeg) // 2
    restarts = encoded_as(scene, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 4)
    between = restarts.index(b"\xff\xd2") + 2
    progressive = encoded_as(scene, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    noise = encoded_as(np.random.default_rng(0).integers(0, 256, scene.shape, np.uint8))
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
    whole = encoded_as(scene)
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
    plain = encoded_as(scene)
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
    jpeg = bytearray(encoded_as(scene))
    jpeg[jpeg.index(b"\xff\xc0") + place] = byte
    for short_edge in (None, 32):
        with pytest.raises(Unreadable, match=rf"^a JPEG of a kind that is not read here \({kind}\): convert it$"):
            decode_picture(bytes(jpeg), short_edge)


@pytest.mark.parametrize("kind", [".png", ".bmp", ".webp", ".tiff"])
def test_other_pictures_that_are_cut_short_are_refused_silently(
    scene: Pixels, kind: str, capfd: pytest.CaptureFixture[str]
):
    whole = encoded_as(scene, kind)
    with pytest.raises(Unreadable):
        decode_picture(whole[: len(whole) // 2])
    assert capfd.readouterr().err == ""


def test_a_png_with_one_changed_bit_is_refused(scene: Pixels):
    whole = encoded_as(scene, ".png")
    for place in range(100, len(whole) - 12, len(whole) // 40):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(Unreadable, match="cut short or damaged: a PNG that cannot be decoded"):
            decode_picture(bytes(changed))
