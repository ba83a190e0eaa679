"""Predictions for people: a row for each as it is answered, and one line about all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from catdog_exp.inference.prediction import UNSURE, Prediction
from catdog_exp.tables import GAP, harmless


class Report:
    """Counts predictions, and has a row for each, whose columns have their widths before the first one is there.

    head: of the rows. unreadable: how many pictures could not be read.
    """

    def __init__(self, classes: Sequence[str], top_k: int = 1) -> None:
        self._classes = classes
        self._top_k = min(top_k, len(classes))
        self._width = max(map(cell_len, (*classes, UNSURE)))
        self._counts = Counter[str]()
        self._first = ""  # of those that could not be read
        self.unreadable = 0
        ranks = [("label", "probability"), *((f"{rank}.", "") for rank in range(2, self._top_k + 1))]
        self.head = self._line(ranks, "picture")

    def row(self, found: Prediction) -> str:
        """Count a prediction. Returns its row; the picture's name stands last, as wide as it is."""
        if found.label is None:
            self.unreadable += 1
            told = harmless(f"{found.picture.name}: {found.reason}")
            self._first = self._first or told
            return self._line([("–", "")] * self._top_k, told)
        self._counts[found.label] += 1
        (_, best), *others = found.likeliest(self._classes, self._top_k)
        ranked = [(found.label, best), *others]
        cells = [(harmless(label), f"{100 * share:9.1f} %") for label, share in ranked]
        return self._line(cells, harmless(found.picture.name))

    @property
    def summary(self) -> str:
        """How many pictures there were, and what they are."""
        count = self._counts.total() + self.unreadable
        names = [*self._classes, UNSURE]
        parts = [f"{self._counts[name]:,} {name}" for name in dict.fromkeys(names) if self._counts[name]]
        if self.unreadable:
            parts.append(f"{self.unreadable:,} could not be read, the first: {self._first}")
        return f"{count:,} picture{'s' * (count != 1)}: {', '.join(parts)}" if parts else "no pictures"

    def _line(self, cells: Sequence[tuple[str, str]], name: str) -> str:
        shown = (set_cell_size(label, self._width) + GAP + set_cell_size(share, 11) for label, share in cells)
        return GAP.join([*shown, name])
