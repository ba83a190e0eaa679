"""Which classes a network takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catdog_exp.plots.figure import ACCENT, GREY, INK, new_figure, write_figure
from catdog_exp.tables import cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMED = 25  # classes; of more the names would lie on each other, and the worst confusions stand beside the matrix
MOST_CONFUSIONS = 25
LONGEST_NAME = 20  # letters; longer ones lose their middle


def confusion_plot(matrix: Sequence[Sequence[int]], classes: Sequence[str], path: Path) -> None:
    """Draw counts and each row's shares as a PNG at `path`; of many classes colours, and the worst confusions by name.

    matrix: C × C counts; row = true class, column = predicted class.
    Raises UserError when `path` cannot be written.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    totals = counts.sum(axis=1)
    names = [cut(name, LONGEST_NAME) for name in classes]
    named = len(classes) <= MOST_NAMED
    edge = min(14.0, 3 + 0.75 * len(classes)) if named else 8
    figure = new_figure(edge if named else 2 * edge, edge)
    axes = figure.add_subplot() if named else figure.add_subplot(1, 2, 1)
    axes.imshow(counts / np.maximum(totals, 1)[:, None], cmap="Blues", vmin=0, vmax=1)
    if named:
        _write_cells(axes, counts, totals)
        axes.set_yticks(range(len(names)), names, parse_math=False)
        axes.set_xticks(range(len(names)), names, parse_math=False)
        if len(names) > 4 or max(map(len, names)) > 10:
            for label in axes.get_xticklabels():
                label.set(rotation=45, ha="right", rotation_mode="anchor")
    else:
        _draw_worst(figure.add_subplot(1, 2, 2), counts, totals, names)
    by_number = "" if named else ", by its label"
    axes.set_xlabel(f"predicted class{by_number}")
    axes.set_ylabel(f"true class{by_number} (each row is 100 %)")
    axes.set_title(f"{np.trace(counts):,} of {counts.sum():,} pictures right", loc="left", pad=10)
    write_figure(figure, path)


def worst_confusions(counts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The true and the predicted label of the most frequent mistakes, at most MOST_CONFUSIONS, the worst first."""
    wrong = counts - np.diag(np.diag(counts))
    places = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    pairs = (divmod(int(place), len(counts)) for place in places)
    return [(truth, said) for truth, said in pairs if wrong[truth, said]]


def _write_cells(axes: Axes, counts: NDArray[np.int64], totals: NDArray[np.int64]) -> None:
    size = 13 if len(counts) <= 4 else 9 if len(counts) <= 12 else 7.5
    for row, column in np.ndindex(*counts.shape):
        share = counts[row, column] / max(totals[row], 1)
        text = f"{counts[row, column]:,}\n" + (f"{100 * share:.0f} %" if totals[row] else "–")
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color="white" if share > 0.5 else INK)


def _draw_worst(axes: Axes, counts: NDArray[np.int64], totals: NDArray[np.int64], names: Sequence[str]) -> None:
    worst = worst_confusions(counts)
    bars = [counts[pair] for pair in worst]
    axes.barh(range(len(worst)), bars, color=ACCENT)
    for place, (truth, said) in enumerate(worst):
        axes.text(bars[place], place, f" {counts[truth, said]:,} of {totals[truth]:,}", va="center", color=GREY)
    axes.set_yticks(range(len(worst)), [f"{names[truth]} → {names[said]}" for truth, said in worst], parse_math=False)
    axes.set_ylim(MOST_CONFUSIONS - 0.5, -0.5)
    axes.set_xlim(0, 1.2 * max(bars, default=1))
    axes.set_xlabel("pictures")
    axes.set_title("worst confusions: true class → predicted class", loc="left", pad=10)
