"""How right a network's probabilities are, in figures, and where they are most wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.training.objective import balanced_accuracy

BINS = 15  # of the calibration error


@dataclass(frozen=True)
class Evaluation:
    """Figures of N labelled pictures and the probabilities that a network gave to C classes.

    loss: mean cross-entropy in nats; a probability of 0 counts as the smallest float64 step (2.2e-16).
    accuracy: share of pictures whose likeliest class is the true one.
    accuracy_low, accuracy_high: its 95 % confidence interval, as far as the number of pictures goes (Wilson, 1927).
    balanced_accuracy: mean recall over classes that have pictures, so that each of them counts alike.
    ece: expected calibration error (Naeini et al., 2015): how far the likeliest class's probability is from how
        often it is right, mean over pictures in 15 bins of that probability; 0 is perfect.
    precision, recall, f1: of class 1 where there are two classes, else the mean over classes; 0 where
        undefined (a class that is never predicted has no precision).
    roc_auc: area under the curve of class 1 where there are two classes, else the mean of one class against
        the rest; None when a class has no picture.
    confusion: C rows of C counts; row = true class, column = predicted class.
    labels, probabilities: what was judged, shapes (N,) and (N, C).
    """

    classes: list[str]
    loss: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    balanced_accuracy: float
    ece: float
    precision: float
    recall: float
    f1: float
    roc_auc: float | None
    confusion: list[list[int]]
    labels: NDArray[np.int64] = field(repr=False, compare=False)
    probabilities: NDArray[np.float64] = field(repr=False, compare=False)

    def metrics(self) -> dict[str, float]:
        """The figures by name; one that is None is left out."""
        accuracies = ("accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy")
        names = ("loss", *accuracies, "ece", "precision", "recall", "f1", "roc_auc")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def shown(self) -> str:
        """The figures in one line for people; the balanced accuracy where classes have unequal numbers of pictures."""
        unequal = len({sum(row) for row in self.confusion}) > 1
        rest = ("precision", "recall", "f1", "roc_auc")
        return ", ".join(
            [
                f"loss {self.loss:.4f}",
                f"accuracy {self.accuracy:.4f} (95 %: {self.accuracy_low:.3f} to {self.accuracy_high:.3f})",
                *([f"balanced accuracy {self.balanced_accuracy:.4f}"] if unequal else []),
                f"calibration error {self.ece:.3f}",
                *(f"{name} {value:.4f}" for name in rest if (value := getattr(self, name)) is not None),
            ]
        )

    def worst_mistakes(self, n: int) -> list[int]:
        """Indices of at most `n` wrongly predicted pictures, the surest of the wrong class first."""
        predicted = self.probabilities.argmax(axis=1)
        wrong = np.flatnonzero(predicted != self.labels)
        sureness = self.probabilities[wrong, predicted[wrong]]
        return [int(index) for index in wrong[np.argsort(-sureness, kind="stable")][:n]]


def evaluate(
    labels: NDArray[np.integer[Any]], probabilities: NDArray[np.floating[Any]], classes: Sequence[str]
) -> Evaluation:
    """Judge `probabilities`, shape (N, C), rows that sum to 1, against the true `labels`, shape (N,), 0..C-1.

    Raises UserError when there is no picture, or when the network gave no finite probabilities.
    """
    if len(labels) == 0:
        raise UserError("there is no picture to evaluate: lower data.split_ratio or add pictures")
    if not np.isfinite(probabilities).all():
        raise UserError("the network gives no finite probabilities, its training has diverged: lower train.lr")

    truth = np.asarray(labels, dtype=np.int64)
    # Rows of float32 sum to 1 only to seven digits.
    exact = np.asarray(probabilities, dtype=np.float64)
    exact = exact / exact.sum(axis=1, keepdims=True)
    predicted = exact.argmax(axis=1)
    right = predicted == truth
    low, high = confidence_interval(int(right.sum()), len(right))
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    precision, recall, f1 = _precision_recall_f1(confusion)
    given = exact[np.arange(len(truth)), truth]
    return Evaluation(
        classes=list(classes),
        loss=float(-np.log(np.maximum(given, np.finfo(np.float64).eps)).mean()),
        accuracy=float(right.mean()),
        accuracy_low=low,
        accuracy_high=high,
        balanced_accuracy=balanced_accuracy(confusion.diagonal().tolist(), confusion.sum(axis=1).tolist()),
        ece=calibration_error(exact.max(axis=1), right),
        precision=precision,
        recall=recall,
        f1=f1,
        roc_auc=_roc_auc(truth, exact),
        confusion=confusion.tolist(),
        labels=truth,
        probabilities=exact,
    )


def confidence_interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share of `hits` in `trials` (Wilson, 1927)."""
    share, z = hits / trials, 1.959964
    middle = share + z**2 / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def calibration_error(sureness: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error of N predictions. sureness: probability of the class predicted, 0..1."""
    places = np.minimum((sureness * BINS).astype(int), BINS - 1)
    gaps = np.bincount(places, weights=sureness - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(right))


def _precision_recall_f1(confusion: NDArray[np.int64]) -> tuple[float, float, float]:
    """Of class 1 of two; of more, the mean over those that a picture has, or is taken for."""
    right, there, called = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    shares = np.stack([right, right, 2 * right]) / np.maximum(np.stack([called, there, there + called]), 1)
    shares = shares[:, 1] if len(right) == 2 else shares[:, there + called > 0].mean(axis=1)
    precision, recall, f1 = (float(share) for share in shares)
    return precision, recall, f1


def _roc_auc(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float | None:
    classes = probabilities.shape[1]
    if len(np.unique(labels)) < classes:
        return None
    areas = [_area(labels == number, probabilities[:, number]) for number in range(classes)]
    return areas[1] if classes == 2 else float(np.mean(areas))


def _area(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Under the ROC curve: how often a positive has a higher score than a negative, ties count half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    number = int(positive.sum())
    above = ranks[positive].sum() - number * (number + 1) / 2
    return float(above / (number * (len(scores) - number)))
