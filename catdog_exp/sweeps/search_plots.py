"""What a search has found besides its jobs: how much each key matters, and what accuracy costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from catdog_exp.plots.figure import ACCENT, BLUE, GREY, new_figure, write_figure
from catdog_exp.sweeps.jobs import Job
from catdog_exp.tables import cut

MOST_KEYS = 20
LONGEST_KEY = 40  # letters


def importance_plot(importances: Mapping[str, float], path: Path) -> None:
    """Draw each key's share of what makes trials good, the greatest on top. UserError: `path` cannot be written."""
    shown = sorted(importances.items(), key=lambda each: each[1])[-MOST_KEYS:]
    figure = new_figure(6.4, 1.4 + 0.32 * len(shown))
    axes = figure.add_subplot()
    bars = axes.barh(range(len(shown)), [share for _, share in shown], color=BLUE)
    axes.bar_label(bars, [f"{share:.2f}" for _, share in shown], padding=3, color=GREY)
    axes.set_yticks(range(len(shown)), [cut(key, LONGEST_KEY) for key, _ in shown])
    axes.set_xlim(0, 1.12 * max(share for _, share in shown) or 1)
    axes.set_xlabel("importance (PED-ANOVA)")
    axes.set_title("How much each key matters", loc="left")
    write_figure(figure, path)


def pareto_plot(
    points: Sequence[tuple[Job, float, float]],
    front: Sequence[tuple[Job, float, float]],
    objective: str,
    path: Path,
) -> None:
    """Draw all trials by their seconds and objective, and the front. UserError: `path` cannot be written.

    points, front: job, objective and seconds of each; the front by its seconds.
    """
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    others = [point for point in points if point not in front]
    axes.plot([each[2] for each in others], [each[1] for each in others], "o", color=GREY, alpha=0.6, label="trial")
    seconds, values = [each[2] for each in front], [each[1] for each in front]
    axes.plot(seconds, values, "o-", color=ACCENT, drawstyle="steps-post", label="Pareto front: no other betters it")
    for job, value, time in front:
        axes.annotate(f"job {job.number}", (time, value), xytext=(5, -11), textcoords="offset points", fontsize=8)
    axes.margins(0.1)
    axes.grid(color="#e8eaed")
    axes.set_xlabel("seconds of a job")
    axes.set_ylabel(objective)
    axes.set_title(f"{objective} against seconds", loc="left", parse_math=False)
    figure.legend(loc="outside lower right", ncols=2, frameon=False)
    write_figure(figure, path)
