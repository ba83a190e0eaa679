"""The curve of a learning-rate range test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from catdog_exp.plots.figure import ACCENT, BLUE, GREY, new_figure, write_figure
from catdog_exp.training.range_test import smoothed


def range_test_plot(curve: Sequence[Sequence[float]], chosen: float, path: Path) -> None:
    """Draw the loss by learning rate as a PNG at `path`; the rate that was chosen is marked.

    curve: of each step its rate and its loss. Raises UserError when `path` cannot be written.
    """
    rates, losses = zip(*curve, strict=True)
    means = smoothed(curve)
    figure = new_figure(8, 4.5)
    axes = figure.add_subplot()
    axes.plot(rates, losses, linestyle="none", marker=".", color=GREY, alpha=0.5, label="each step")
    axes.plot(rates, means, color=BLUE, linewidth=2, label="running mean")
    axes.axvline(chosen, color=ACCENT, linestyle="--", label="chosen")
    axes.set_xscale("log")
    low, high = min(means.min(), *losses), max(means[0], *losses[: len(losses) // 2])
    axes.set_ylim(low - 0.1 * (high - low), high + 0.3 * (high - low))  # what explodes at the end leaves the picture
    axes.set_title("Loss of training steps at ever higher learning rates", loc="left")
    axes.set_title(f"{chosen:g}", loc="right", color=ACCENT)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss (cross-entropy)")
    axes.grid(axis="y", color="#e8eaed")
    axes.legend(frameon=False, loc="lower left")
    write_figure(figure, path)
