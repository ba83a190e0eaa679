"""Curves of an evaluation: what each threshold gives, and whether what the network is sure of is so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catdog_exp.inference.evaluation import BINS, confidence_interval

GROUPS = 5  # of pictures, by how large, bright or sharp they are


@dataclass(frozen=True)
class Curve:
    """Points of a curve, from left to right, and the area under it, 0..1."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: float


@dataclass(frozen=True)
class Group:
    """Some of the pictures judged.

    low, high: least and greatest of the values that they were grouped by. mean: of these values.
    pictures: how many, at least 1. accuracy: share that is right; accuracy_low, accuracy_high: its 95 % interval.
    """

    low: float
    high: float
    mean: float
    pictures: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float


def roc(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Curve:
    """False positive rate to true positive rate, threshold by threshold. Both kinds of pictures are needed.

    positive: which of N pictures are of the class. scores: the probability that each was given for it.
    """
    true, false = _counts(positive, scores)
    x, y = false / false[-1], true / true[-1]
    return Curve(x, y, float(np.diff(x) @ (y[1:] + y[:-1]) / 2))


def precision_recall(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Curve:
    """Recall to precision, threshold by threshold, and the average precision: the area under the steps.

    Arguments as of `roc`; precision holds from a point's left neighbour to it.
    """
    true, false = _counts(positive, scores)
    recall = true / true[-1]
    precision = np.ones_like(recall)  # of nothing that is called so
    precision[1:] = true[1:] / (true + false)[1:]
    return Curve(recall, precision, float((np.diff(recall) * precision[1:]).sum()))


def reliability(sureness: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Group]:
    """N predictions in the bins of the calibration error, those that have any.

    sureness: probability of the class that is predicted. right: whether it is the true one.
    """
    return _groups(np.minimum((sureness * BINS).astype(int), BINS - 1), sureness, right)


def accuracy_by(values: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Group]:
    """At most GROUPS groups of about as many pictures each, by ascending values; equal ones are in one group.

    values: of N pictures, finite. right: whether the prediction is.
    """
    if not len(values):
        return []
    edges = np.quantile(values, np.linspace(0, 1, GROUPS + 1)[1:-1])
    return _groups(np.searchsorted(np.unique(edges), values, side="left"), values, right)


def _groups(places: NDArray[np.int64], values: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Group]:
    found = []
    for place in np.unique(places):
        own, hits = values[places == place], right[places == place]
        interval = confidence_interval(int(hits.sum()), len(hits))
        found.append(Group(own.min(), own.max(), own.mean(), len(own), hits.mean(), *interval))
    return found


def _counts(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many of the class, and how many others, have at least each threshold; before the highest one, none."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # of equal scores the last
    true = np.cumsum(positive[order])[ends]
    return np.append(0, true), np.append(0, ends + 1 - true)
