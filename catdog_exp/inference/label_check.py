"""Labels that are probably wrong, by confident learning (Northcutt, Jiang and Chuang, 2021)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Doubt(NamedTuple):
    """A label that may be wrong. place: of its picture. label: what it is said to be. suggested: the likeliest class.

    probability: of the class suggested. likely: whether the label is not only in doubt, but probably wrong.
    """

    place: int
    label: int
    suggested: int
    probability: float
    likely: bool


def doubtful_labels(labels: NDArray[np.integer[Any]], probabilities: NDArray[np.floating[Any]]) -> list[Doubt]:
    """The labels that are not their picture's likeliest class, the most doubtful first: by how much likelier that is.

    A label is probably wrong where its picture is confidently of another class, one that is likelier than the label. It
    is confidently of a class where that has at least the probability that its own pictures have of it on average, and
    of the likeliest of these classes where there are several. This alone would miss wrong labels among pictures that
    are harder than most: so the others are listed, too.

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
    likely = (confident.argmax(axis=1) != labels) & (confident.max(axis=1) > given)
    suggested, best = probabilities.argmax(axis=1), probabilities.max(axis=1)
    places = np.flatnonzero(best > given)
    return [
        Doubt(int(place), int(labels[place]), int(suggested[place]), float(best[place]), bool(likely[place]))
        for place in places[np.argsort((given - best)[places], kind="stable")]
    ]
