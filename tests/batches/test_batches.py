"""Batches: seeded, complete, of one shape."""

import time

import numpy as np
import pytest

from catdog_exp.batches.batches import plain_batches, steps_per_epoch, train_batches
from catdog_exp.schema import AugmentConfig
from tests.learnable import decoded, halves

BASIC = AugmentConfig(random_crop=True, pad=2, flip=True)


def marked(count: int) -> object:
    """Pictures of one colour each, which is their number; labels are the number modulo 3."""
    pictures = [np.full((8, 8 + number % 3, 3), number, np.uint8) for number in range(count)]
    return decoded(pictures, [number % 3 for number in range(count)], 8)


def numbers(pictures: object, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    batches = train_batches(pictures, BASIC, batch_size, seed, epoch)
    return [squares[:, 0, 0, 0].tolist() for squares, _ in batches]


def test_an_epoch_shows_each_picture_at_most_once_with_its_own_label():
    seen = []
    for squares, labels in train_batches(marked(50), BASIC, 8, seed=0, epoch=1):
        assert squares.shape == (8, 3, 8, 8)
        assert squares.dtype == np.uint8
        assert squares.flags.c_contiguous
        shown = squares[:, 0, 0, 0]
        assert labels.dtype == np.int64
        assert np.array_equal(labels, shown % 3)
        seen.extend(shown.tolist())
    assert len(seen) == 48 == 8 * steps_per_epoch(50, 8)
    assert len(set(seen)) == 48


def test_fewer_pictures_than_a_batch_are_one_batch():
    [(squares, labels)] = train_batches(marked(5), BASIC, 64, seed=0, epoch=1)
    assert squares.shape == (5, 3, 8, 8)
    assert sorted(squares[:, 0, 0, 0].tolist()) == [0, 1, 2, 3, 4]
    assert len(labels) == 5 == 5 * steps_per_epoch(5, 64)


def test_order_follows_from_seed_and_epoch():
    pictures = marked(40)
    first = numbers(pictures, 8, seed=1, epoch=1)
    assert numbers(pictures, 8, seed=1, epoch=1) == first
    assert numbers(pictures, 8, seed=1, epoch=2) != first
    assert numbers(pictures, 8, seed=2, epoch=1) != first


def test_how_a_picture_is_changed_does_not_depend_on_the_batch_size():
    pictures = halves(24)

    def by_content(batch_size: int) -> set[bytes]:
        batches = train_batches(pictures, BASIC, batch_size, seed=3, epoch=5)
        return {square.tobytes() for squares, _ in batches for square in squares}

    assert by_content(4) == by_content(12)
    assert len(by_content(4)) == 24


def test_plain_batches_are_all_pictures_in_order_and_the_last_is_filled_up():
    pictures = halves(10)
    batches = list(plain_batches(pictures, 4))
    assert [count for _, _, count in batches] == [4, 4, 2]
    assert {squares.shape for squares, _, _ in batches} == {(4, 3, 8, 8)}
    kept = np.concatenate([squares[:count] for squares, _, count in batches])
    assert np.array_equal(kept.transpose(0, 2, 3, 1), pictures.squares())
    labels = np.concatenate([labels[:count] for _, labels, count in batches])
    assert np.array_equal(labels, pictures.labels)
    assert not batches[-1][0][2:].any()


@pytest.mark.slow
def test_batches_come_faster_than_ten_thousand_pictures_a_second():
    pictures = halves(4000, size=32)
    best = 0.0
    for epoch in range(3):
        started = time.perf_counter()
        shown = sum(len(labels) for _, labels in train_batches(pictures, BASIC, 64, seed=0, epoch=epoch))
        best = max(best, shown / (time.perf_counter() - started))
    assert best > 10_000
