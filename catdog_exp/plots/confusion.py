"""Which classes a network takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from catdog_exp.plots.figure import INK, new_figure, write_figure

MOST_NUMBERED = 25  # classes; the cells of more are too small for numbers, their colours still tell
LONGEST_NAME = 18  # letters


def confusion_plot(matrix: Sequence[Sequence[int]], classes: Sequence[str], path: Path) -> None:
    """Draw counts and each row's shares as a PNG at `path`.

    matrix: C × C counts; row = true class, column = predicted class.
    Raises UserError when `path` cannot be written.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    edge = min(14.0, 3 + 0.75 * len(classes))
    figure = new_figure(edge, edge)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= MOST_NUMBERED:
        size = 13 if len(classes) <= 4 else 9 if len(classes) <= 12 else 7.5
        for row, column in np.ndindex(*counts.shape):
            share = f"{100 * shares[row, column]:.0f} %" if totals[row] else "–"
            ink = "white" if shares[row, column] > 0.5 else INK
            text = f"{counts[row, column]:,}\n{share}"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)

    names = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in classes]
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_xticks(range(len(names)), names, parse_math=False)
    if len(names) > 4 or max(map(len, names)) > 10:
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class (each row is 100 %)")
    axes.set_title(f"{np.trace(counts):,} of {counts.sum():,} pictures right", loc="left", pad=10)
    write_figure(figure, path)
