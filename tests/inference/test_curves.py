"""Curves of an evaluation, against scikit-learn's and by hand."""

import numpy as np
import pytest
from sklearn import metrics

from catdog_exp.inference.curves import accuracy_by, precision_recall, reliability, roc
from catdog_exp.inference.evaluation import calibration_error, confidence_interval

DRAWING = np.random.default_rng(0)
POSITIVE = DRAWING.random(300) < 0.3
SCORES = np.clip(DRAWING.normal(0.4 + 0.2 * POSITIVE, 0.25), 0, 1).round(2)  # with ties


def test_roc_is_scikit_learns():
    found = roc(POSITIVE, SCORES)
    x, y, _ = metrics.roc_curve(POSITIVE, SCORES, drop_intermediate=False)
    np.testing.assert_allclose((found.x, found.y), (x, y))
    assert found.area == pytest.approx(metrics.roc_auc_score(POSITIVE, SCORES))


def test_precision_by_recall_is_scikit_learns():
    found = precision_recall(POSITIVE, SCORES)
    precision, recall, _ = metrics.precision_recall_curve(POSITIVE, SCORES)
    np.testing.assert_allclose((found.x, found.y), (recall[::-1], precision[::-1]))
    assert found.area == pytest.approx(metrics.average_precision_score(POSITIVE, SCORES))


def test_the_bins_of_reliability_give_the_calibration_error():
    sureness = 0.5 + DRAWING.random(200) / 2
    sureness[:3] = 1
    right = DRAWING.random(200) < sureness
    bins = reliability(sureness, right)
    assert sum(group.pictures for group in bins) == 200
    assert all(group.low <= group.mean <= group.high for group in bins)
    gaps = sum(group.pictures * abs(group.mean - group.accuracy) for group in bins) / 200
    assert gaps == pytest.approx(calibration_error(sureness, right))


def test_pictures_are_grouped_by_ascending_values_and_equal_ones_together():
    values = np.repeat([3.0, 1.0, 2.0, 9.0], [10, 10, 20, 10])
    groups = accuracy_by(values, np.repeat([True, False, True, False], [10, 10, 20, 10]))
    assert [(group.low, group.high, group.pictures) for group in groups] == [
        (1, 1, 10),
        (2, 2, 20),
        (3, 3, 10),
        (9, 9, 10),
    ]
    assert [group.accuracy for group in groups] == [0, 1, 1, 0]
    assert (groups[0].accuracy_low, groups[0].accuracy_high) == confidence_interval(0, 10)
    assert [group.pictures for group in accuracy_by(np.arange(50.0), np.ones(50, bool))] == [10] * 5
    assert accuracy_by(np.empty(0), np.empty(0, bool)) == []
