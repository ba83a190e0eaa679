"""How a training went, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catdog_exp.plots.figure import ACCENT, BLUE, GREY, new_figure, write_figure
from catdog_exp.training.objective import is_better

MOST_DOTTED = 40  # epochs; the dots of more would run together


def training_curves(history: Sequence[Mapping[str, float]], path: Path, objective: str = "val/accuracy") -> None:
    """Draw loss, accuracy and learning rate by epoch as a PNG at `path`; the best epoch is marked.

    history: one mapping for each epoch, in order, with at least the keys `train/loss`, `train/accuracy`,
        `val/loss`, `val/accuracy` and `lr`.
    objective: the key that the best epoch is told by.
    Raises UserError when `path` cannot be written.
    """
    best = _best(history, objective)
    figure = new_figure(10, 4.8)
    grid = figure.add_gridspec(2, 2, height_ratios=[5, 1])
    loss = figure.add_subplot(grid[0, 0])
    _training_and_validation(loss, history, "loss", best)
    loss.set_title("Loss (cross-entropy)", loc="left")
    loss.set_title(f"{history[best]['val/loss']:.3f} at epoch {best + 1}", loc="right", color=ACCENT)

    accuracy = figure.add_subplot(grid[0, 1])
    _training_and_validation(accuracy, history, "accuracy", best)
    accuracy.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %")
    accuracy.set_title("Accuracy", loc="left")
    accuracy.set_title(f"{100 * history[best]['val/accuracy']:.1f} % at epoch {best + 1}", loc="right", color=ACCENT)

    rate = figure.add_subplot(grid[1, :])
    rate.plot(
        _epochs(history),
        [row["lr"] for row in history],
        color=GREY,
        marker=_marker(history),
        markersize=3,
        clip_on=False,
    )
    rate.set_ylim(bottom=0)
    rate.set_ylabel("learning\nrate")
    rate.set_xlabel("epoch")
    for axes in (loss, accuracy, rate):
        _count_epochs(axes, len(history))
    figure.legend(*loss.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    write_figure(figure, path)


def compared_curves(histories: Mapping[str, Sequence[Mapping[str, float]]], path: Path) -> None:
    """Draw the loss and accuracy of several trainings over each other, by epoch, as a PNG at `path`.

    histories: by each training's name, as `training_curves` has one. Training is dotted, validation whole.
    Raises UserError when `path` cannot be written.
    """
    figure = new_figure(10, 4.2)
    grid = figure.add_gridspec(1, 2)
    for place, name in enumerate(("loss", "accuracy")):
        axes = figure.add_subplot(grid[0, place])
        for number, (label, history) in enumerate(histories.items()):
            for side, style in (("train", ":"), ("val", "-")):
                values = [row.get(f"{side}/{name}", float("nan")) for row in history]
                shown = label if side == "val" else None
                axes.plot(_epochs(history), values, linestyle=style, color=f"C{number % 10}", label=shown)
        axes.set_title(name.capitalize(), loc="left")
        axes.set_xlabel("epoch")
        axes.grid(axis="y", color="#e8eaed")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    write_figure(figure, path)


def _best(history: Sequence[Mapping[str, float]], objective: str) -> int:
    best = 0
    for place, row in enumerate(history):
        if is_better(objective, row[objective], history[best][objective]):
            best = place
    return best


def _epochs(history: Sequence[Mapping[str, float]]) -> range:
    return range(1, len(history) + 1)


def _marker(history: Sequence[Mapping[str, float]]) -> str:
    return "o" if len(history) <= MOST_DOTTED else ""


def _training_and_validation(axes: Any, history: Sequence[Mapping[str, float]], name: str, best: int) -> None:
    for side, colour, label in (("train", GREY, "training"), ("val", BLUE, "validation")):
        values = [row[f"{side}/{name}"] for row in history]
        axes.plot(_epochs(history), values, color=colour, marker=_marker(history), markersize=3, label=label)
    axes.plot(
        [best + 1],
        [history[best][f"val/{name}"]],
        linestyle="none",
        marker="o",
        markersize=10,
        markerfacecolor="none",
        markeredgecolor=ACCENT,
        markeredgewidth=2,
        label="best epoch",
    )
    axes.grid(axis="y", color="#e8eaed")
    axes.margins(y=0.1)


def _count_epochs(axes: Any, epochs: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    space = max(0.5, 0.02 * epochs)
    axes.set_xlim(1 - space, epochs + space)
