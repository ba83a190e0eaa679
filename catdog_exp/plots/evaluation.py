"""What lies behind an evaluation's figures, in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_exp.inference.curves import Curve, Group, accuracy_by, precision_recall, reliability, roc
from catdog_exp.inference.evaluation import BINS, Evaluation
from catdog_exp.inference.picture_traits import Trait
from catdog_exp.plots.figure import BLUE, GREY, new_figure, write_figure
from catdog_exp.tables import cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMED = 6  # curves; of more classes those with the least area under the first curve are named
LONGEST_NAME = 14  # letters
PALE = "#d7dbe0"
TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]
HIGHEST_BAR = 0.2  # of the axis


def evaluation_plot(evaluation: Evaluation, traits: Sequence[Trait], path: Path) -> None:
    """Draw ROC, precision and recall, reliability, and the accuracy by each trait, as a PNG at `path`.

    Of two classes the curves are the second one's, of more each class's against the rest.
    traits: of the N pictures, in the evaluation's order.
    Raises UserError when `path` cannot be written.
    """
    figure = new_figure(13, 8.4, arranged=True)
    grid = figure.add_gridspec(2, 3, left=0.06, right=0.98, top=0.945, bottom=0.08, hspace=0.3, wspace=0.17)
    sureness = evaluation.probabilities.max(axis=1)
    right = evaluation.probabilities.argmax(axis=1) == evaluation.labels
    _draw_curves(figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1]), evaluation)
    _draw_reliability(figure.add_subplot(grid[0, 2]), reliability(sureness, right), evaluation.ece)
    first = None
    for place, trait in enumerate(traits):
        known = np.isfinite(trait.values)
        first = axes = figure.add_subplot(grid[1, place], sharey=first)
        _draw_by_trait(axes, trait, accuracy_by(trait.values[known], right[known]), evaluation.accuracy)
    write_figure(figure, path)


def _draw_curves(left: Axes, middle: Axes, evaluation: Evaluation) -> None:
    """ROC curves, and precision by recall, of each class that has pictures and that not all pictures are of."""
    classes = range(len(evaluation.classes)) if len(evaluation.classes) != 2 else [1]
    kinds = [(label, evaluation.labels == label, evaluation.probabilities[:, label]) for label in classes]
    found = [
        (cut(evaluation.classes[label], LONGEST_NAME), roc(positive, scores), precision_recall(positive, scores))
        for label, positive, scores in kinds
        if positive.any() and not positive.all()
    ]
    found.sort(key=lambda each: each[1].area)
    _draw_some(left, [(name, curve) for name, curve, _ in found], "default", "lower right")
    _draw_some(middle, [(name, curve) for name, _, curve in found], "steps-pre", "lower left")
    left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    rest = ", one class against the rest" if len(classes) > 1 else ""
    left.set_title(f"ROC{rest}", loc="left")
    left.set_xlabel("false positive rate")
    left.set_ylabel("true positive rate")
    middle.set_title("Precision and recall", loc="left")
    middle.set_xlabel("recall")
    middle.set_ylabel("precision")


def _draw_some(axes: Axes, curves: Sequence[tuple[str, Curve]], style: Any, corner: Any) -> None:
    """The first curves with their names, the others in grey behind them."""
    named, others = curves[:MOST_NAMED], curves[MOST_NAMED:]
    for place, (name, curve) in enumerate(named):
        colour = f"C{place}" if others or len(named) > 1 else BLUE
        axes.plot(curve.x, curve.y, drawstyle=style, color=colour, label=f"{name}: area {curve.area:.3f}")
    for place, (_, curve) in enumerate(others):
        label = f"the {len(others):,} others" if place == 0 else None
        axes.plot(curve.x, curve.y, drawstyle=style, color=PALE, linewidth=1, label=label, zorder=1)
    if curves:
        axes.legend(loc=corner, fontsize=9, edgecolor="none")
    else:
        axes.text(0.5, 0.25, "needs pictures of two classes", ha="center", color=GREY)
    _from_0_to_1(axes)


def _draw_reliability(axes: Axes, bins: Sequence[Group], error: float) -> None:
    """How often the predictions of about one probability are right, above bars for how many these are."""
    means = [group.mean for group in bins]
    most = max(group.pictures for group in bins)
    heights = [HIGHEST_BAR * group.pictures / most for group in bins]
    axes.bar(means, heights, width=0.8 / BINS, color=PALE, label=f"pictures (n at most {most:,})")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    _draw_groups(axes, means, bins)
    axes.set_title("Reliability", loc="left")
    axes.set_title(f"calibration error {error:.3f}", loc="right", color=GREY, fontsize=10)
    axes.set_xlabel("probability of the class predicted")
    axes.set_ylabel("share that is right")
    _from_0_to_1(axes)
    axes.legend(loc="upper left", frameon=False, fontsize=9)


def _from_0_to_1(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(TICKS)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)


def _draw_by_trait(axes: Axes, trait: Trait, groups: Sequence[Group], accuracy: float) -> None:
    axes.axhline(accuracy, color=GREY, linestyle=":", linewidth=1)
    if not groups:
        axes.set_title("not known here", loc="right", color=GREY, fontsize=10)
    _draw_groups(axes, range(len(groups)), groups)
    texts = [f"{_range(group)}\n(n = {group.pictures:,})" for group in groups]
    axes.set_xticks(range(len(groups)), texts, fontsize=8.5)
    axes.set_xlim(-0.6, max(1, len(groups)) - 0.4)
    axes.set_title(f"Accuracy by {trait.name}", loc="left")
    axes.set_xlabel(trait.unit)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %")


def _draw_groups(axes: Axes, places: Sequence[float], groups: Sequence[Group]) -> None:
    """Each group's accuracy, in its 95 % interval."""
    shares = np.array([[group.accuracy, group.accuracy_low, group.accuracy_high] for group in groups]).reshape(-1, 3).T
    spread = np.abs(shares[1:] - shares[0])
    axes.errorbar(places, shares[0], spread, color=BLUE, marker="o", markersize=4, linewidth=1, elinewidth=1)


def _range(group: Group) -> str:
    low, high = f"{group.low:.3g}", f"{group.high:.3g}"
    return low if low == high else f"{low}–{high}"
