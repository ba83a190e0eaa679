"""How right a network's probabilities are, in figures, and where they are most wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError


@dataclass(frozen=True)
class Evaluation:
    """Figures of N labelled pictures and the probabilities that a network gave to C classes.

    loss: mean cross-entropy in nats; a probability of 0 counts as the smallest float64 step (2.2e-16).
    accuracy: share of pictures whose likeliest class is the true one.
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
    precision: float
    recall: float
    f1: float
    roc_auc: float | None
    confusion: list[list[int]]
    labels: NDArray[np.int64] = field(repr=False, compare=False)
    probabilities: NDArray[np.float64] = field(repr=False, compare=False)

    def metrics(self) -> dict[str, float]:
        """The figures by name; one that is None is left out."""
        names = ("loss", "accuracy", "precision", "recall", "f1", "roc_auc")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

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

    from sklearn import metrics

    truth = np.asarray(labels, dtype=np.int64)
    # Rows of float32 sum to 1 only to seven digits; scikit-learn wants them exact.
    exact = np.asarray(probabilities, dtype=np.float64)
    exact = exact / exact.sum(axis=1, keepdims=True)
    predicted = exact.argmax(axis=1)
    every_class = range(len(classes))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predicted, average="binary" if len(classes) == 2 else "macro", zero_division=0
    )
    return Evaluation(
        classes=list(classes),
        loss=float(metrics.log_loss(truth, exact, labels=every_class)),
        accuracy=float(metrics.accuracy_score(truth, predicted)),
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        roc_auc=_roc_auc(truth, exact),
        confusion=metrics.confusion_matrix(truth, predicted, labels=every_class).tolist(),
        labels=truth,
        probabilities=exact,
    )


def _roc_auc(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float | None:
    from sklearn.metrics import roc_auc_score

    classes = probabilities.shape[1]
    if len(np.unique(labels)) < classes:
        return None
    if classes == 2:
        return float(roc_auc_score(labels, probabilities[:, 1]))
    return float(roc_auc_score(labels, probabilities, multi_class="ovr", average="macro", labels=range(classes)))
