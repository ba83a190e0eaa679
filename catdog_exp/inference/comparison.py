"""Two networks compared on the same pictures: whether the difference of their accuracies may be luck."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catdog_exp.inference.evaluation import Evaluation

EVALUATION = "evaluation.json"  # the artifact that holds a row for each validation picture
SURE = 0.05  # a difference that luck gives less often than this is called one


def evaluation_rows(evaluation: Evaluation, names: Sequence[str], digests: Sequence[str]) -> dict[str, Any]:
    """A table as MLflow keeps one: of each picture, name, digest, class, prediction and the latter's probability.

    names, digests: N of each, in the evaluation's order.
    """
    predicted = evaluation.probabilities.argmax(axis=1)
    sureness = evaluation.probabilities[range(len(predicted)), predicted]
    rows = zip(names, digests, evaluation.labels, predicted, sureness, strict=True)
    return {
        "columns": ["picture", "sha256", "class", "predicted", "probability", "right"],
        "data": [
            [
                name,
                digest,
                evaluation.classes[label],
                evaluation.classes[guess],
                round(float(sure), 6),
                bool(label == guess),
            ]
            for name, digest, label, guess, sure in rows
        ],
    }


@dataclass(frozen=True)
class Comparison:
    """Two networks on the pictures that both were judged on.

    pictures: how many. first, second: pictures that it alone got right. chance: how often luck alone gives a
    difference as large, 0..1 (McNemar, 1947; exact, two-sided); 1 where they differ in no picture.
    """

    pictures: int
    first: int
    second: int
    chance: float

    def in_words(self, first: str, second: str) -> str:
        """One line for people. first, second: what the networks are called."""
        if not self.pictures:
            return f"{first} and {second} were judged on different pictures: whether they differ by luck cannot be said"
        better, worse = (first, second) if self.first >= self.second else (second, first)
        points = 100 * abs(self.first - self.second) / self.pictures
        counts = f"{first} alone is right on {self.first}, {second} alone on {self.second}"
        why = f"(p = {self.chance:.2g} on {self.pictures:,} pictures that both were judged on: {counts})"
        if self.chance < SURE:
            return f"{better} is better than {worse} by {points:.1f} points {why}"
        return f"the difference of {first} and {second}, {points:.1f} points, may be luck {why}"


def compare(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> Comparison:
    """Compare two networks by the rows of `evaluation_rows`, paired by the pictures' digests."""
    right = {row["sha256"]: row["right"] for row in first}
    pairs = [(right[row["sha256"]], row["right"]) for row in second if row["sha256"] in right]
    one = sum(mine and not other for mine, other in pairs)
    two = sum(other and not mine for mine, other in pairs)
    tail = sum(math.comb(one + two, fewer) for fewer in range(min(one, two) + 1))
    return Comparison(len(pairs), one, two, min(1.0, 2 * tail / 2 ** (one + two)))
