"""The figures of an evaluation, against cases that are worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catdog_exp.errors import UserError
from catdog_exp.inference.evaluation import calibration_error, confidence_interval, evaluate

CAT_DOG = ["cat", "dog"]
# Two cats, one of them taken for a dog; three dogs, one of them taken for a cat.
LABELS = np.array([0, 0, 1, 1, 1])
FIGURES = ["loss", "accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "ece", "precision", "recall", "f1"]
DOG = np.array([0.2, 0.9, 0.6, 0.4, 0.8])
PROBABILITIES = np.stack([1 - DOG, DOG], axis=1).astype(np.float32)


def test_two_classes_by_hand():
    found = evaluate(LABELS, PROBABILITIES, CAT_DOG)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.balanced_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.confusion == [[1, 1], [1, 2]]
    assert found.precision == pytest.approx(2 / 3)  # of the three called dog, two are
    assert found.recall == pytest.approx(2 / 3)  # of the three dogs, two are called so
    assert found.f1 == pytest.approx(2 / 3)
    assert found.loss == pytest.approx(-np.log([0.8, 0.1, 0.6, 0.4, 0.8]).mean(), rel=1e-6)
    # Of the 2 × 3 pairs of a cat and a dog, the dog is ranked higher in 3 (0.6, 0.4 and 0.8 over 0.2).
    assert found.roc_auc == pytest.approx(3 / 6)


def test_precision_and_recall_are_of_label_one():
    found = evaluate(np.array([0, 0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]), CAT_DOG)
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == 1.0
    assert found.f1 == pytest.approx(0.5)


def test_three_classes_are_averaged_evenly():
    labels = np.array([0, 0, 1, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]])
    found = evaluate(labels, probabilities, ["cat", "dog", "fox"])
    assert found.confusion == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert found.precision == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert found.recall == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert found.f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    # cat against the rest: 3 of 4 pairs (0.1 ties with 0.1: half); dog: 2 of 3 pairs; fox: all.
    cat = (2 + 0 + 0.5) / 4
    dog = 2 / 3
    assert found.roc_auc == pytest.approx((cat + dog + 1) / 3)


def test_a_class_without_pictures_has_no_roc_auc():
    found = evaluate(np.array([1, 1]), np.array([[0.3, 0.7], [0.6, 0.4]]), CAT_DOG)
    assert found.roc_auc is None
    assert found.balanced_accuracy == 0.5  # the recall of the class that has pictures
    assert found.confusion == [[0, 0], [1, 1]]
    assert list(found.metrics()) == FIGURES


def test_only_the_first_class_has_pictures():
    found = evaluate(np.array([0, 0]), np.array([[0.7, 0.3], [0.9, 0.1]]), CAT_DOG)
    assert (found.accuracy, found.precision, found.recall, found.f1) == (1.0, 0.0, 0.0, 0.0)


def test_metrics_are_plain_floats_by_name():
    metrics = evaluate(LABELS, PROBABILITIES, CAT_DOG).metrics()
    assert list(metrics) == [*FIGURES, "roc_auc"]
    assert {type(value) for value in metrics.values()} == {float}


def test_a_probability_of_zero_for_the_truth_gives_a_finite_loss():
    found = evaluate(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float32), CAT_DOG)
    assert found.loss == pytest.approx(-math.log(np.finfo(np.float64).eps) / 2)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(6, 60), st.booleans())
def test_the_figures_are_those_of_scikit_learn(seed, classes, count, ties):
    from sklearn import metrics

    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.concatenate([np.arange(classes), rng.integers(classes, size=count - classes)]))
    probabilities = rng.dirichlet(np.ones(classes), count)
    if ties:
        probabilities = np.round(probabilities * 4 + 0.5)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = evaluate(labels, probabilities, [str(number) for number in range(classes)])
    predicted, average = probabilities.argmax(axis=1), "binary" if classes == 2 else "macro"
    theirs = metrics.precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)
    assert (found.precision, found.recall, found.f1) == pytest.approx(theirs[:3])
    assert found.loss == pytest.approx(metrics.log_loss(labels, probabilities, labels=range(classes)))
    probabilities /= probabilities.sum(axis=1, keepdims=True)  # as it is done there: what ties, does so still
    scores = probabilities[:, 1] if classes == 2 else probabilities
    assert found.roc_auc == pytest.approx(metrics.roc_auc_score(labels, scores, multi_class="ovr"))
    assert found.confusion == metrics.confusion_matrix(labels, predicted).tolist()


def test_worst_mistakes_are_wrong_ones_the_surest_first():
    labels = np.array([0, 0, 1, 1, 0])
    dog = np.array([0.6, 0.99, 0.2, 0.9, 0.1])
    found = evaluate(labels, np.stack([1 - dog, dog], axis=1), CAT_DOG)
    assert found.worst_mistakes(10) == [1, 2, 0]  # sure by 0.99, 0.8 and 0.6
    assert found.worst_mistakes(2) == [1, 2]
    assert evaluate(labels[3:], np.array([[0.1, 0.9], [0.9, 0.1]]), CAT_DOG).worst_mistakes(10) == []


def test_no_pictures_is_an_error():
    with pytest.raises(UserError, match="no picture to evaluate"):
        evaluate(np.zeros(0, dtype=int), np.zeros((0, 2)), CAT_DOG)


def test_a_diverged_network_is_an_error():
    with pytest.raises(UserError, match=r"diverged: lower train\.lr"):
        evaluate(np.array([0, 1]), np.array([[0.5, 0.5], [np.nan, np.nan]]), CAT_DOG)


def test_the_confidence_interval_by_hand():
    # Wilson's for 81 of 263, as in Newcombe, 1998, table I: 0.2553 to 0.3662.
    assert confidence_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert confidence_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert confidence_interval(20, 20)[1] == 1.0


def test_the_calibration_error_is_the_distance_of_sureness_from_being_right():
    sure = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    # At 0.9 three of four are right, 0.15 off; at 0.6 both are, 0.4 off.
    right = np.array([True, True, True, False, True, True])
    assert calibration_error(sure, right) == pytest.approx(4 / 6 * 0.15 + 2 / 6 * 0.4)
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == 0.0


def test_interval_and_calibration_stand_beside_the_accuracy():
    found = evaluate(LABELS, PROBABILITIES, CAT_DOG)
    assert found.accuracy_low < found.accuracy < found.accuracy_high
    assert {"accuracy_low", "accuracy_high", "ece"} <= found.metrics().keys()
    assert "accuracy 0.6000 (95 %: 0.231 to 0.882)" in found.shown


def test_balanced_accuracy_is_shown_where_classes_have_unequal_numbers_of_pictures():
    assert "to 0.882), balanced accuracy 0.5833, calibration" in evaluate(LABELS, PROBABILITIES, CAT_DOG).shown
    assert "balanced" not in evaluate(LABELS[:4], PROBABILITIES[:4], CAT_DOG).shown
