"""Squares cut at random: inside the picture, mirrored at its border, each picture by its own numbers."""

import cv2
import numpy as np
import pytest

from catdog_exp.batches.augment import DRAWS, augmented, draw
from catdog_exp.schema import AugmentConfig
from tests.learnable import decoded

NONE = AugmentConfig(random_crop=False, pad=0, flip=False)


def numbered(height: int, width: int) -> np.ndarray:
    """A picture in which no two pixels are alike."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, rows + columns], axis=2).astype(np.uint8)


def cut(picture: np.ndarray, size: int, augment: AugmentConfig, draws: tuple[float, float, float]) -> np.ndarray:
    """The picture's square (size, size, 3)."""
    batch = augmented(decoded([picture], [0], size), np.array([0]), np.array([draws]), augment)
    return batch[0].transpose(1, 2, 0)


@pytest.mark.parametrize("shape", [(6, 11), (11, 6), (6, 6), (9, 6)])
def test_without_augmentation_it_is_the_square_that_validation_sees(shape):
    pictures = decoded([numbered(*shape)], [0], 6)
    batch = augmented(pictures, np.array([0]), np.full((1, DRAWS), 0.99), NONE)
    assert np.array_equal(batch.transpose(0, 2, 3, 1), pictures.squares())


def test_a_random_crop_reaches_both_ends_of_the_longer_edge_and_no_further():
    picture = numbered(6, 11)
    crop = AugmentConfig(random_crop=True, pad=0, flip=False)
    squares = [cut(picture, 6, crop, (0.5, across, 0.9)) for across in np.linspace(0, 0.9999, 50)]
    assert {int(square[0, 0, 1]) for square in squares} == {0, 1, 2, 3, 4, 5}


def test_a_flip_mirrors_left_and_right_half_of_the_time():
    picture = numbered(6, 6)
    flip = AugmentConfig(random_crop=False, pad=0, flip=True)
    assert np.array_equal(cut(picture, 6, flip, (0.5, 0.5, 0.49)), picture[:, ::-1])
    assert np.array_equal(cut(picture, 6, flip, (0.5, 0.5, 0.51)), picture)


def test_padding_is_the_mirrored_border_that_opencv_makes():
    picture = numbered(6, 9)
    padded = cv2.copyMakeBorder(picture, 3, 3, 3, 3, cv2.BORDER_REFLECT_101)
    crop = AugmentConfig(random_crop=True, pad=3, flip=False)
    assert np.array_equal(cut(picture, 6, crop, (0.0, 0.0, 0.9)), padded[:6, :6])
    assert np.array_equal(cut(picture, 6, crop, (0.9999, 0.9999, 0.9)), padded[-6:, -6:])


def test_a_padding_wider_than_the_picture_still_cuts_its_pixels():
    picture = numbered(8, 8)
    crop = AugmentConfig(random_crop=False, pad=64, flip=False)
    for uniform in (0.0, 0.3, 0.9999):
        square = cut(picture, 8, crop, (uniform, uniform, 0.9))
        assert square.shape == (8, 8, 3)
        assert square[:, :, :2].max() <= 7


def test_pictures_of_several_shapes_in_one_batch_are_cut_as_they_would_be_alone():
    pictures = [numbered(6, 11), numbered(8, 6), numbered(6, 6)]
    draws = draw(3, seed=4, epoch=2)
    crop = AugmentConfig(random_crop=True, pad=2, flip=True)
    batch = augmented(decoded(pictures, [0, 0, 0], 6), np.array([2, 0, 1]), draws[[2, 0, 1]], crop)
    for row, index in enumerate([2, 0, 1]):
        alone = cut(pictures[index], 6, crop, tuple(draws[index]))
        assert np.array_equal(batch[row].transpose(1, 2, 0), alone)


def test_a_pictures_numbers_follow_from_seed_epoch_and_index_alone():
    assert np.array_equal(draw(5, seed=1, epoch=3), draw(100, seed=1, epoch=3)[:5])
    assert not np.array_equal(draw(5, seed=1, epoch=3), draw(5, seed=1, epoch=4))
    assert not np.array_equal(draw(5, seed=1, epoch=3), draw(5, seed=2, epoch=3))
