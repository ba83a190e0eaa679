"""The compiled decoder gives what OpenCV gives, to the bit, or nothing."""

import io
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from catdog_exp.images.headers import Header
from catdog_exp.images.jpeg.reduced import decode_reduced
from catdog_exp.images.quiet import quiet_c

FLAGS = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
MOST = 2**28
FULL, WIDE, SMALL = range(3)  # Pillow's numbers for 4:4:4, 4:2:2 and 4:2:0
SIZES = [(2, 2), (3, 5), (8, 8), (16, 16), (17, 31), (33, 16), (15, 300), (127, 64), (257, 130), (500, 1030)]

ImageFile.MAXBLOCK = 1 << 23  # Pillow's room for a JPEG with small savings


def _picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Shapes and noise, RGB."""
    noise = np.random.default_rng(seed)
    picture = np.full((height, width, 3), noise.integers(0, 256, 3), np.uint8)
    for _ in range(6):
        centre = [int(noise.integers(0, edge)) for edge in (width, height)]
        cv2.circle(picture, centre, int(noise.integers(1, 60)), noise.integers(0, 256, 3).tolist(), -1)
    picture[: height // 3] = noise.integers(0, 256, (height // 3, width, 3))
    return picture


def _jpeg(picture: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", **options)
    return file.getvalue()


def _compared(jpeg: bytes, edge: int) -> list[int]:
    """The fractions at which a JPEG with this short edge was decoded; they must be OpenCV's, to the bit."""
    served = []
    for fraction, flag in FLAGS.items():
        wanted = edge // (2 * fraction)  # the largest for which this fraction is taken
        found = decode_reduced(jpeg, wanted, MOST) if wanted else None
        if found is None:
            continue
        header, picture = found
        with quiet_c:
            expected = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
        if expected is None or expected.shape == picture.shape:  # else the damage is in the size
            assert np.array_equal(picture, expected), (fraction, header)
        served.append(fraction)
    return served


def _fractions(edge: int) -> list[int]:
    return [fraction for fraction in FLAGS if edge >= 2 * fraction]


@pytest.mark.parametrize("quality", [10, 75, 100])
@pytest.mark.parametrize("subsampling", [FULL, SMALL])
def test_pixels_are_those_of_opencv(subsampling: int, quality: int):
    for height, width in SIZES:
        jpeg = _jpeg(_picture(height, width), subsampling=subsampling, quality=quality)
        assert _compared(jpeg, min(height, width)) == _fractions(min(height, width))


@pytest.mark.parametrize(
    "options",
    [
        {"optimize": True},
        {"restart_marker_blocks": 1},
        {"restart_marker_blocks": 5},
        {"restart_marker_rows": 1},
        {"comment": b"x" * 300, "exif": b"Exif\0\0none", "icc_profile": b"profile" * 99},
    ],
)
def test_any_tables_restarts_and_segments_will_do(options: dict):
    assert _compared(_jpeg(_picture(211, 333), subsampling=SMALL, **options), 211) == [2, 4, 8]
    assert _compared(_jpeg(_picture(211, 333)[..., 0], **options), 211) == [2, 4, 8]


def test_a_header_has_the_size_and_the_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6
    found = decode_reduced(_jpeg(_picture(100, 64), exif=exif), 8, MOST)
    assert found is not None
    assert found[0] == Header("JPEG", 64, 100, 6)
    assert found[1].shape == (25, 16, 3)


def test_what_it_does_not_serve_is_left_to_opencv():
    picture = _picture(64, 64)
    jpeg = _jpeg(picture)
    others = [
        b"",
        b"\xff\xd8\xff",
        cv2.imencode(".png", picture)[1].tobytes(),
        _jpeg(picture, progressive=True),
        _jpeg(picture, subsampling=WIDE),
        jpeg.replace(b"\xff\xc0", b"\xff\xc9"),  # arithmetic coding
        jpeg[:-2],
        jpeg[:-40] + jpeg[-2:],
        jpeg[:-2] + b"left over" + jpeg[-2:],
    ]
    assert [decode_reduced(other, 8, MOST) for other in others] == [None] * len(others)
    assert decode_reduced(jpeg, 32, MOST) is None  # at full size
    assert decode_reduced(jpeg, 8, 64 * 64 - 1) is None
    assert decode_reduced(jpeg + b"behind the end", 8, MOST) is not None


def test_a_table_of_one_picture_is_not_the_next_ones():
    with_tables = _jpeg(_picture(64, 64))
    start = with_tables.index(b"\xff\xdb")
    end = with_tables.index(b"\xff\xc0")
    assert decode_reduced(with_tables, 8, MOST) is not None
    assert decode_reduced(with_tables[:start] + with_tables[end:], 8, MOST) is None
    start = with_tables.index(b"\xff\xc4")
    end = with_tables.index(b"\xff\xda")
    assert decode_reduced(with_tables[:start] + with_tables[end:], 8, MOST) is None


@pytest.mark.parametrize("seed", range(4))
def test_damage_gives_opencvs_pixels_or_none(seed: int):
    chance = random.Random(seed)
    options = [{"subsampling": FULL}, {"subsampling": SMALL}, {"restart_marker_blocks": 3}, {"optimize": True}][seed]
    jpeg = _jpeg(_picture(50, 70, seed), quality=80, **options)
    refused = 0
    for _ in range(1500):
        damaged = bytearray(jpeg)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(2, len(damaged))
            if chance.random() < 0.2:
                damaged[place:place] = chance.randbytes(chance.randint(1, 4))
            else:
                damaged[place] = chance.randrange(256)
        refused += not _compared(bytes(damaged), 50)
    assert refused > 500


def test_a_file_cut_anywhere_is_refused():
    jpeg = _jpeg(_picture(40, 60), quality=80)
    assert all(decode_reduced(jpeg[:length], 5, MOST) is None for length in range(len(jpeg)))


@pytest.mark.slow
def test_all_photographs_are_served_as_opencv_does(real_pictures: Path):
    for path in sorted(real_pictures.rglob("*.jpg")):
        jpeg = path.read_bytes()
        with Image.open(path) as opened:
            edge = min(opened.size)
        assert _compared(jpeg, edge) == _fractions(edge), path
