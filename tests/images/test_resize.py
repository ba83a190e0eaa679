import cv2
import numpy as np
import pytest

from catdog_exp.images.resize import Pixels, center_crop, resize, size_with
from catdog_exp.images.unreadable import Unreadable


@pytest.fixture
def scene() -> Pixels:
    """300 rows × 400 columns of blurred noise: detail down to a few pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 0, 255, cv2.NORM_MINMAX)


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
    assert size_with(edge, width, height) == shape[::-1]


def test_shrinking_averages_fine_patterns_away():
    board = np.indices((512, 512)).sum(axis=0) % 2 * 255
    small = resize(np.dstack([board.astype(np.uint8)] * 3), 32, 32)
    assert np.ptp(small) <= 1
    assert abs(float(small.mean()) - 127.5) <= 1


def test_a_picture_whose_long_edge_no_jpeg_can_hold_is_refused():
    with pytest.raises(Unreadable, match="too elongated: 4000 × 1 pixels"):
        size_with(32, 4000, 1)


def test_the_square_is_the_middle():
    picture = np.arange(4 * 9 * 3, dtype=np.uint8).reshape(4, 9, 3)
    assert np.array_equal(center_crop(picture, 4), picture[:, 2:6])
    assert np.array_equal(center_crop(picture.swapaxes(0, 1), 4), picture.swapaxes(0, 1)[2:6])
    assert np.array_equal(center_crop(picture, 2), picture[1:3, 3:5])


@pytest.mark.parametrize("width", [390, 333, 200, 199, 140, 101, 100, 64, 33, 9])
def test_shrinking_is_very_nearly_the_mean_over_areas(scene: Pixels, width: int):
    height = round(width * 3 / 4)
    areas = cv2.resize(scene, (width, height), interpolation=cv2.INTER_AREA)
    assert cv2.PSNR(resize(scene, width, height), areas) > 38


def test_a_picture_of_the_size_wanted_is_left_as_it_is(scene: Pixels):
    assert resize(scene, 400, 300) is scene


def test_one_colour_stays_that_colour():
    for value in (0, 1, 127, 254, 255):
        picture = np.full((61, 83, 3), value, np.uint8)
        assert all((resize(picture, 83 * n // 7, 61 * n // 7) == value).all() for n in range(1, 20))


def test_enlarging_keeps_what_was_there(scene: Pixels):
    large = resize(scene, 1000, 750)
    assert large.shape == (750, 1000, 3)
    assert cv2.PSNR(resize(large, 400, 300), scene) > 38
