"""What each augmentation does to a picture that is known to the pixel."""

import cv2
import numpy as np
import pytest

from catdog_exp.data.augment import augmented
from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.rng import uniform
from tests.learnable import decoded, halves

MANY = 200


def numbered(height: int, width: int) -> np.ndarray:
    """A picture in which no two pixels are alike."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, rows + columns], axis=2).astype(np.uint8)


def crops(picture: np.ndarray, size: int, epoch: int = 1, count: int = MANY, **changes: object) -> np.ndarray:
    """What becomes of the same picture at many places of a pack, (count, size, size, 3)."""
    pictures = decoded([picture] * count, [0] * count, size)
    batch = augmented(pictures, np.arange(count), AugmentConfig(**changes), seed=0, epoch=epoch)
    assert batch.flags.c_contiguous
    return batch.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("shape", [(6, 11), (11, 6), (6, 6), (9, 6)])
def test_without_augmentation_it_is_the_square_that_validation_sees(shape):
    pictures = decoded([numbered(*shape)], [0], 6)
    assert np.array_equal(crops(numbered(*shape), 6, count=1), pictures.crops())


def test_a_random_crop_reaches_both_ends_of_the_longer_edge_and_no_further():
    cut = crops(numbered(6, 11), 6, random_crop=True)
    assert set(cut[:, 0, 0, 1].tolist()) == {0, 1, 2, 3, 4, 5}
    assert set(cut[:, 0, 0, 0].tolist()) == {0}


def test_padding_is_the_mirrored_border_that_opencv_makes():
    padded = cv2.copyMakeBorder(numbered(6, 9), 3, 3, 3, 3, cv2.BORDER_REFLECT_101)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (6, 6), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    wanted = {window.tobytes() for window in windows.reshape(-1, 6, 6, 3)}
    found = {crop.tobytes() for crop in crops(numbered(6, 9), 6, count=1000, random_crop=True, pad=3)}
    assert found == wanted


def test_a_padding_wider_than_the_picture_still_cuts_its_pixels():
    for changes in ({}, {"scale": [4.0, 4.0], "rotation": 180.0}):
        cut = crops(numbered(8, 8), 8, pad=64, **changes)
        assert cut[..., :2].max() <= 7


def test_a_smaller_size_shows_the_whole_square_in_fewer_pixels():
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (32, 48, 3)).astype(np.uint8), (0, 0), 3)
    pictures = decoded([picture], [0], 32)
    (small,) = augmented(pictures, np.arange(1), AugmentConfig(size=24), seed=0, epoch=1).transpose(0, 2, 3, 1)
    wanted = cv2.resize(picture[:, 8:40], (24, 24), interpolation=cv2.INTER_LINEAR)
    assert np.abs(small.astype(int) - wanted).max() <= 2


def test_a_random_flip_mirrors_left_and_right_half_of_the_time():
    picture = numbered(6, 6)
    flipped = [np.array_equal(crop, picture[:, ::-1]) for crop in crops(picture, 6, flip="random")]
    plain = [np.array_equal(crop, picture) for crop in crops(picture, 6, flip="random")]
    assert sum(flipped) + sum(plain) == MANY
    assert 0.35 * MANY < sum(flipped) < 0.65 * MANY


def test_an_alternating_flip_takes_turns_from_epoch_to_epoch():
    picture = numbered(6, 6)
    epochs = [crops(picture, 6, epoch, flip="alternating") for epoch in (1, 2, 3, 4)]
    assert np.array_equal(epochs[0], epochs[2])
    assert np.array_equal(epochs[1], epochs[3])
    assert np.array_equal(epochs[0], epochs[1][:, :, ::-1])
    assert 0.35 * MANY < (epochs[0] == picture).all(axis=(1, 2, 3)).sum() < 0.65 * MANY


def test_a_quarter_of_the_area_is_the_middle_at_twice_the_size():
    picture = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8), (16, 16))
    cut = crops(picture, 16, count=1, scale=[0.25, 0.25])[0]
    wanted = cv2.resize(picture[4:12, 4:12], (16, 16), interpolation=cv2.INTER_LINEAR)
    assert np.abs(cut[1:-1, 1:-1].astype(int) - wanted[1:-1, 1:-1]).max() <= 1


def test_a_scaled_cut_moves_over_the_whole_picture_only_with_random_crop():
    rows, columns = np.mgrid[:32, :48]
    picture = np.stack([rows * 5, columns * 5, rows], axis=2).astype(np.uint8)
    moved = crops(picture, 32, random_crop=True, scale=[0.25, 0.25])
    still = crops(picture, 32, scale=[0.25, 0.25])
    assert moved[..., 0].min() <= 5
    assert moved[..., 0].max() >= 150
    assert moved[..., 1].min() <= 5
    assert moved[..., 1].max() >= 230
    assert len({crop.tobytes() for crop in still}) == 1


def test_an_aspect_above_one_takes_a_wide_cut_and_makes_it_narrow():
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[8:24, 8:24] = 255  # a crop
    lit = crops(picture, 32, count=1, aspect=[2.0, 2.0])[0, :, :, 0] > 127
    assert lit.any(axis=1).sum() == pytest.approx(2 * lit.any(axis=0).sum(), abs=2)


def test_a_rotation_turns_about_the_middle_by_no_more_than_it_is_allowed():
    picture = np.zeros((33, 33, 3), np.uint8)
    picture[2:31, 16] = 255  # an upright line
    angles = []
    for crop in crops(picture, 33, rotation=30.0):
        assert crop[16, 16, 0] > 200
        rows, columns = np.nonzero(crop[..., 0] > 100)
        angles.append(np.degrees(np.arctan(np.polyfit(rows, columns, 1)[0])))
    assert -31 < min(angles) < -25
    assert 25 < max(angles) < 31


def test_a_flip_of_a_turned_picture_is_its_mirror_image():
    picture = halves(1, 16).crops()[0]
    both = crops(picture, 16, flip="alternating", rotation=20.0, epoch=1)
    alone = crops(picture, 16, rotation=20.0, epoch=1)
    same = [np.array_equal(one, other) for one, other in zip(both, alone, strict=True)]
    mirrored = [np.abs(one.astype(int) - other[:, ::-1]).max() <= 1 for one, other in zip(both, alone, strict=True)]
    assert any(same)
    assert any(mirrored)
    assert all(one or other for one, other in zip(same, mirrored, strict=True))


COLOURS = np.random.default_rng(0).integers(60, 180, (8, 8, 3), np.uint8)
GREY = COLOURS.astype(float) @ [0.299, 0.587, 0.114]


def test_brightness_multiplies_all_alike():
    found = crops(COLOURS, 8, brightness=0.3).astype(float)
    factors = found.mean(axis=(1, 2, 3)) / COLOURS.mean()
    assert 0.7 < factors.min() < 0.75
    assert 1.25 < factors.max() < 1.3
    assert np.abs(found - factors[:, None, None, None] * COLOURS).max() < 2


def test_contrast_keeps_the_mean_grey_and_scales_the_distance_from_it():
    found = crops(COLOURS, 8, contrast=0.3).astype(float)
    assert np.abs((found @ [0.299, 0.587, 0.114]).mean(axis=(1, 2)) - GREY.mean()).max() < 1
    spread = found.std(axis=(1, 2, 3)) / COLOURS.std()
    assert 0.69 < spread.min() < 0.76
    assert 1.24 < spread.max() < 1.31


def test_saturation_and_hue_keep_each_pixel_s_grey():
    for changes in ({"saturation": 0.3}, {"hue": 0.1}):
        found = crops(COLOURS, 8, **changes).astype(float)
        assert np.abs(found @ [0.299, 0.587, 0.114] - GREY).max() < 1.5
        assert np.abs(found - COLOURS).mean() > 1


def test_no_saturation_is_grey():
    found = crops(COLOURS, 8, saturation=1.0)
    least = found[np.ptp(found, axis=3).mean(axis=(1, 2)).argmin()]
    assert np.abs(least.astype(float) - GREY[..., None]).max() < 3


def test_colours_end_at_black_and_white():
    picture = np.full((8, 8, 3), 40, np.uint8)
    picture[:4] = 215
    found = crops(picture, 8, brightness=1.0)
    bright, dark = found[:, 0, 0, 0].astype(int), found[:, 7, 0, 0].astype(int)
    assert (dark > 60).sum() > 20  # of these the bright half would be above 255
    assert (bright[dark > 60] == 255).all()
    found = crops(picture, 8, contrast=1.0)
    bright, dark = found[:, 0, 0, 0].astype(int), found[:, 7, 0, 0].astype(int)
    assert ((bright == 255) & (dark == 0)).sum() > 20
    assert (bright >= dark).all()


def test_cutout_covers_one_grey_square_within_the_picture():
    found = crops(np.full((16, 20, 3), 7, np.uint8), 16, cutout=0.25)
    for crop in found:
        rows, columns = np.nonzero((crop == 128).all(axis=2))
        assert len(rows) == 16
        assert np.ptp(rows) == np.ptp(columns) == 3
    assert np.ptp([np.nonzero((crop == 128).all(axis=2))[0].min() for crop in found]) == 12


ALL = AugmentConfig(
    True,
    2,
    "random",
    [0.6, 1.1],
    [0.8, 1.25],
    10.0,
    0.3,
    0.3,
    0.3,
    0.02,
    0.3,
    mixup=0.2,
    cutmix=1.0,
    label_smoothing=0.1,
)


def test_pictures_of_several_shapes_in_one_batch_are_as_they_would_be_alone():
    pictures = halves(40, 16)
    chosen = np.random.default_rng(0).permutation(40)
    together = augmented(pictures, chosen, ALL, seed=4, epoch=2)
    for crop, index in zip(together, chosen, strict=True):
        assert np.array_equal(crop, augmented(pictures, np.array([index]), ALL, seed=4, epoch=2)[0])


def test_what_becomes_of_a_picture_follows_from_seed_and_epoch():
    pictures = halves(10, 16)
    first = augmented(pictures, np.arange(10), ALL, seed=1, epoch=1)
    assert not np.array_equal(augmented(pictures, np.arange(10), ALL, seed=1, epoch=2), first)
    assert not np.array_equal(augmented(pictures, np.arange(10), ALL, seed=2, epoch=1), first)


def test_a_picture_s_numbers_are_its_own_and_uniform():
    numbers = uniform(1, 3, np.arange(10_000))
    assert np.array_equal(uniform(1, 3, np.array([77, 5])), numbers[:, [77, 5]])
    assert (np.abs(numbers.mean(axis=1) - 0.5) < 0.02).all()
    assert (np.abs(np.quantile(numbers, 0.1, axis=1) - 0.1) < 0.02).all()
    assert np.abs(np.corrcoef(numbers) - np.eye(len(numbers))).max() < 0.05
