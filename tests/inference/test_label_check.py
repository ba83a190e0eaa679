"""Labels that are probably wrong."""

import numpy as np
import pytest

from catdog_exp.inference.label_check import doubtful_labels


def judged(pictures: int, classes: int, seed: int, flipped: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which a share is wrong, and what a fair network says."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, pictures)
    logits = rng.normal(size=(pictures, classes)) + 2.5 * np.eye(classes)[truth]
    labels = np.where(rng.random(pictures) < flipped, rng.integers(0, classes, pictures), truth)
    return labels, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("pictures", "classes"), [(2000, 2), (900, 3), (500, 10), (60, 5)])
def test_it_finds_what_cleanlab_finds_in_the_same_order(pictures: int, classes: int):
    from cleanlab.filter import find_label_issues

    labels, probabilities = judged(pictures, classes, seed=classes)
    ranked = {"filter_by": "confident_learning", "return_indices_ranked_by": "normalized_margin", "n_jobs": 1}
    wanted = find_label_issues(labels, probabilities, **ranked)
    found = doubtful_labels(labels, probabilities)
    assert len(wanted) > 2
    assert [doubt.place for doubt in found if doubt.likely] == wanted.tolist()
    mistaken = find_label_issues(labels, probabilities, **{**ranked, "filter_by": "predicted_neq_given"})
    assert [doubt.place for doubt in found] == mistaken.tolist()
    for doubt in found:
        assert doubt.label == labels[doubt.place] != doubt.suggested
        assert doubt.probability == probabilities[doubt.place].max()


def test_a_class_without_pictures_and_right_labels_raise_no_doubt():
    labels = np.array([0, 0, 2, 2])
    probabilities = np.array([[0.9, 0.1, 0.0], [0.3, 0.7, 0.0], [0.1, 0.1, 0.8], [0.0, 0.3, 0.7]])
    assert doubtful_labels(labels, probabilities) == [(1, 0, 1, 0.7, False)]
    assert doubtful_labels(labels[:0], probabilities[:0]) == []
    swapped = doubtful_labels(np.array([0, 2, 2, 2, 0]), probabilities[[0, 0, 2, 3, 0]])
    assert swapped == [(1, 2, 0, 0.9, True)]
