"""Labels that are probably wrong, by confident learning (Northcutt, Jiang and Chuang, 2021)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Doubt(NamedTuple):
    """A label that is probably wrong. place: of its picture. label: what it is said to be. suggested: another class.

    probability: of the class suggested. margin: how much likelier that is than the label, 0..1.
    """

    place: int
    label: int
    suggested: int
    probability: float
    margin: float


def doubtful_labels(labels: NDArray[np.integer[Any]], probabilities: NDArray[np.floating[Any]]) -> list[Doubt]:
    """The labels that are probably wrong, the most doubtful first.

    A picture is confidently of a class where that has at least the probability that its own pictures have of it on
    average, and of the likeliest of these classes where there are several. A label is in doubt where its picture is
    confidently of another class, and that is likelier than the label.

    labels: shape (N,), 0..C-1. probabilities: shape (N, C), of a network that has not seen the picture it judges.
    """
    if not len(labels):
        return []
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    given = probabilities[np.arange(len(labels)), labels]
    usual = np.bincount(labels, given, minlength=classes) / np.maximum(counts, 1)
    usual[counts == 0] = np.inf  # nothing is known of a class without pictures
    confident = np.where(probabilities >= usual, probabilities, -1)
    suggested = confident.argmax(axis=1)
    margins = confident.max(axis=1) - given
    places = np.flatnonzero((suggested != labels) & (margins > 0))
    return [
        Doubt(
            int(place),
            int(labels[place]),
            int(suggested[place]),
            float(probabilities[place, suggested[place]]),
            float(margins[place]),
        )
        for place in places[np.argsort(-margins[places], kind="stable")]
    ]
