"""What a network says of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catdog_exp.inference.pictures import Picture

UNSURE = "unsure"  # in place of a label that is not likely enough


@dataclass(frozen=True)
class Prediction:
    """What a network says of one picture.

    label: name of the likeliest class, `probability` is its probability; both None for an unreadable picture.
    probabilities: of all classes in the network's order, sum 1; empty for an unreadable picture.
    reason: why the picture could not be read, else empty.
    """

    picture: Picture
    label: str | None
    probability: float | None
    probabilities: tuple[float, ...]
    reason: str = ""

    @classmethod
    def of(cls, picture: Picture, classes: Sequence[str], probabilities: Sequence[float]) -> Prediction:
        """Of a picture that could be read. probabilities: of all classes."""
        best = max(probabilities)
        return cls(picture, classes[probabilities.index(best)], best, tuple(probabilities))

    def at(self, threshold: float) -> Prediction:
        """The same, with the label UNSURE where its probability is below the threshold."""
        unsure = self.probability is not None and self.probability < threshold
        return replace(self, label=UNSURE) if unsure else self

    def likeliest(self, classes: Sequence[str], count: int) -> list[tuple[str, float]]:
        """The likeliest classes and their probabilities, none for an unreadable picture."""
        order = sorted(range(len(self.probabilities)), key=lambda place: -self.probabilities[place])
        return [(classes[place], self.probabilities[place]) for place in order[:count]]
