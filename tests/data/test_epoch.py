"""Mixing, smoothing and targets."""

import numpy as np
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.epoch import AugmentedEpoch
from tests.learnable import decoded

COUNT = 240


def marked(size: int = 16) -> object:
    """Pictures of one colour each, which is their number; labels are the number modulo 3."""
    pictures = [np.full((size, size, 3), number, np.uint8) for number in range(COUNT)]
    return decoded(pictures, [number % 3 for number in range(COUNT)], size)


def batch(**changes: object) -> tuple[np.ndarray, np.ndarray]:
    epoch = AugmentedEpoch(marked(), AugmentConfig(**changes), 3, seed=0, epoch=1)
    crops, targets = epoch.batch(np.arange(COUNT))
    assert targets.dtype == np.float32
    assert np.allclose(targets.sum(axis=1), 1, atol=1e-6)
    return crops, targets


def test_without_mixing_the_target_is_the_label():
    _, targets = batch()
    assert np.array_equal(targets, np.eye(3, dtype=np.float32)[np.arange(COUNT) % 3])


def test_smoothing_spreads_its_share_over_all_classes():
    _, targets = batch(label_smoothing=0.3)
    assert np.allclose(np.sort(targets, axis=1), [0.1, 0.1, 0.8])


def test_mixup_is_the_weighted_mean_and_the_target_tells_the_weights():
    crops, targets = batch(mixup=1.0)
    assert (crops == crops[:, :1, :1, :1]).all()
    mixed = 0
    for number, (colour, target) in enumerate(zip(crops[:, 0, 0, 0].astype(float), targets, strict=True)):
        own = target[number % 3]
        assert own >= 0.499
        if own < 0.999:
            # The partner's colour, which must be a picture's, of the target's other class.
            partner = (colour - own * number) / (1 - own)
            slack = 0.5 / (1 - own) + 0.01
            candidates = np.arange(np.ceil(partner - slack), np.floor(partner + slack) + 1).astype(int)
            other = int(np.delete(np.arange(3), number % 3)[np.delete(target, number % 3).argmax()])
            assert other in candidates % 3
            mixed += 1
    assert mixed > COUNT / 2


def test_cutmix_pastes_a_square_and_the_target_tells_its_area():
    crops, targets = batch(cutmix=1.0)
    pasted = 0
    for number, (crop, target) in enumerate(zip(crops[:, 0], targets, strict=True)):
        partners = set(np.unique(crop).tolist()) - {number}
        assert len(partners) <= 1
        for partner in partners:
            rows, columns = np.nonzero(crop == partner)
            assert np.ptp(rows) == np.ptp(columns)
            assert len(rows) == (np.ptp(rows) + 1) ** 2
            wanted = np.zeros(3)
            wanted[number % 3] += 1 - len(rows) / 256
            wanted[partner % 3] += len(rows) / 256
            assert target == pytest.approx(wanted, abs=1e-6)
            pasted += 1
    assert pasted > COUNT / 2


def test_with_both_each_picture_has_one_of_them():
    crops, _ = batch(mixup=1.0, cutmix=1.0)
    even = (crops == crops[:, :1, :1, :1]).all(axis=(1, 2, 3))
    assert 0.3 * COUNT < even.sum() < 0.7 * COUNT
    for crop in crops[~even]:
        assert len(np.unique(crop)) == 2


def test_a_picture_s_partner_and_share_do_not_depend_on_the_batch():
    augment = AugmentConfig(True, 2, "random", rotation=10.0, mixup=0.5, cutmix=0.5, label_smoothing=0.1)
    pictures = marked()
    crops, targets = AugmentedEpoch(pictures, augment, 3, seed=5, epoch=4).batch(np.arange(COUNT))
    for chosen in (np.array([17]), np.array([200, 3, 17, 90])):
        some, their_targets = AugmentedEpoch(pictures, augment, 3, seed=5, epoch=4).batch(chosen)
        assert np.array_equal(some, crops[chosen])
        assert np.array_equal(their_targets, targets[chosen])
