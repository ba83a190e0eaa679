"""What a sweep has found: its jobs across all that it varied, and the objective by each key."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from catdog_exp.plots.figure import ACCENT, BLUE, GREY, INK, new_figure, write_figure
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.sweeps.plot_scale import Scale, is_wide, number_scale, scale_of
from catdog_exp.sweeps.results import best_job, differing_keys, ranked, value_of
from catdog_exp.tables import cut

MOST_AXES = 14  # keys; of more the page would be too wide to look at
ABSENT = "–"  # stands for the value of a key that a job does not have
WIDEST_BAND = 0.1  # of an axis, that lines through one value take
MOST_WIDE = 60  # jobs; the lines of more are thinner
LONGEST_NAME = 22  # letters of a key
LONGEST_VALUE = 16  # letters of a setting beside an axis
# From a poor objective to a good one; the palest is still seen on white.
SHADES = ("#d3dde8", "#8db4d9", BLUE, "#05264a")


def parallel_coordinates(
    jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str, minimize: bool, path: Path
) -> None:
    """Draw each job as a line across one axis for each differing key and one for the objective, as PNG at `path`.

    The best job's line is thick; those of failed jobs are grey and end before the objective.
    Raises UserError when `path` cannot be written.
    """
    keys = differing_keys(jobs)
    drawn = keys[:MOST_AXES]
    order = ranked(jobs, outcomes, minimize)
    best = best_job(jobs, outcomes, minimize)
    values = {job.number: value for job in order if (value := value_of(outcomes[job.number])) is not None}
    scales = [scale_of([job.differs.get(key, ABSENT) for job in jobs]) for key in drawn]
    scales.append(number_scale(list(values.values())))

    figure = new_figure(max(6.4, 2.2 + 1.7 * len(scales)), 5.4)
    axes = figure.add_subplot()
    failed = [job for job in jobs if job.number in outcomes and outcomes[job.number].status == "failed"]
    lines = _heights([*failed, *reversed(order)], drawn, scales)
    for place, job in enumerate(failed):
        label = "failed" if place == 0 else None
        axes.plot(lines[job.number], color=GREY, linewidth=1, linestyle=(0, (3, 3)), label=label)
    colours = _colours(figure, axes, values, objective, minimize)
    width = 1.5 if len(order) <= MOST_WIDE else 0.8
    for job in reversed(order):  # the better ones on top
        look: dict[str, Any] = {"color": colours[job.number], "linewidth": width}
        if job is best:
            look = {"color": ACCENT, "linewidth": 3.5, "label": f"best: job {job.number}", "zorder": 4}
        heights = [*lines[job.number], scales[-1].place(values[job.number])]
        axes.plot(heights, marker="o", markersize=3, clip_on=False, **look)
    for place, (name, scale) in enumerate(zip((*drawn, objective), scales, strict=True)):
        _upright_axis(axes, place, name, scale, side=1 if place == len(drawn) else -1)
    axes.set_xlim(-0.45 if drawn else -1.0, len(drawn) + (0.35 if drawn else 1.0))
    axes.set_ylim(-0.06, 1.06)
    axes.axis("off")
    without = "" if len(drawn) == len(keys) else f"; {len(keys) - len(drawn)} more keys differ"
    title = f"{len(values)} of {len(jobs)} job{'s' * (len(jobs) != 1)} with a result{without}"
    axes.set_title(title, loc="left", pad=34)
    if best is not None or failed:
        figure.legend(loc="outside lower left", ncols=3, frameon=False)
    write_figure(figure, path)


def objective_by_key(
    jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str, minimize: bool, folder: Path
) -> list[Path]:
    """Draw the objective against each differing key, one PNG for each in `folder`, and return the files.

    A point is a job; where several of the same value were trained to their end, their mean and standard deviation
    stand beside them.
    Raises UserError when `folder` cannot be written to.
    """
    files: list[Path] = []
    best = best_job(jobs, outcomes, minimize)
    for key in differing_keys(jobs):
        name = f"objective_by_{re.sub(r'[^A-Za-z0-9_.-]+', '_', key)}"
        same = sum(file.stem == name for file in files)
        files.append(folder / f"{name}{f'-{same + 1}' * bool(same)}.png")
        with_it = [job for job in ranked(jobs, outcomes, minimize) if key in job.differs]
        _objective_by(key, with_it, outcomes, objective, best, files[-1])
    return files


def _objective_by(
    key: str, jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str, best: Job | None, path: Path
) -> None:
    scale = scale_of([job.differs[key] for job in jobs])
    groups: dict[float, list[Job]] = {}
    for job in jobs:
        groups.setdefault(scale.place(job.differs[key]), []).append(job)
    figure = new_figure(min(12.0, max(6.4, 2 + 0.55 * len(scale.ticks))), 4.2)
    axes = figure.add_subplot()
    ended: dict[float, list[float]] = {}
    given_up: list[tuple[float, float]] = []
    for place, group in groups.items():
        for across, job in zip(_side_by_side(place, len(group), scale.room()), group, strict=True):
            value = value_of(outcomes[job.number])
            assert value is not None
            if outcomes[job.number].status == "pruned":
                given_up.append((across, value))
                continue
            ended.setdefault(place, []).append(value)
            axes.plot(across, value, "o", markersize=5, color=BLUE, alpha=0.6)
            if job is best:
                ring: dict[str, Any] = {
                    "markerfacecolor": "none",
                    "markeredgecolor": ACCENT,
                    "markeredgewidth": 2,
                    "markersize": 10,
                }
                axes.plot(across, value, "o", label=f"best: job {job.number}", **ring)
    if given_up:
        acrosses, values = zip(*given_up, strict=True)
        axes.plot(acrosses, values, "o", markersize=5, color=BLUE, alpha=0.6, fillstyle="none", label="given up early")
    _means(axes, ended, scale)
    axes.set_xticks([place for place, _ in scale.ticks], _cut_texts(scale), parse_math=False)
    if sum(map(len, _cut_texts(scale))) > 70:
        for label in axes.get_xticklabels():
            label.set(rotation=35, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.08, 1.08)
    axes.margins(y=0.1)
    axes.grid(axis="y", color="#e8eaed")
    axes.set_xlabel(key, parse_math=False)
    axes.set_ylabel(objective)
    axes.set_title(f"{objective} by {key}", loc="left", parse_math=False)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower right", ncols=3, frameon=False)
    write_figure(figure, path)


def _side_by_side(place: float, count: int, room: float) -> list[float]:
    """Places around `place` for points that would lie upon another, next ones far apart (by the golden ratio)."""
    width = min(0.005 * (count - 1), 0.06, 0.5 * room)
    return [place + width * ((number * 0.618034 + 0.5) % 1 - 0.5) for number in range(count)]


def _means(axes: Any, groups: Mapping[float, Sequence[float]], scale: Scale) -> None:
    several = {place: values for place, values in sorted(groups.items()) if len(values) > 1}
    if not several:
        return
    means = [statistics.mean(values) for values in several.values()]
    deviations = [statistics.stdev(values) for values in several.values()]
    style = "-" if scale.is_number else "none"
    look = {"marker": "D", "markersize": 5, "capsize": 4, "color": INK, "linestyle": style, "linewidth": 1}
    axes.errorbar(list(several), means, deviations, label="mean ± standard deviation", zorder=3, **look)


def _heights(jobs: Sequence[Job], keys: Sequence[str], scales: Sequence[Scale]) -> dict[int, list[float]]:
    """Where each job's line meets the axes.

    Jobs of one value meet the axis a little apart, in their order from below, or their lines would lie upon another.
    """
    heights: dict[int, list[float]] = {job.number: [] for job in jobs}
    for key, scale in zip(keys, scales, strict=False):
        groups: dict[float, list[int]] = {}
        for job in jobs:
            place = scale.place(job.differs.get(key, ABSENT))
            heights[job.number].append(place)
            groups.setdefault(place, []).append(job.number)
        for group in groups.values():
            band = min(0.015 * (len(group) - 1), 0.5 * scale.room(), WIDEST_BAND)
            for order, number in enumerate(group):
                heights[number][-1] += band * (order / max(1, len(group) - 1) - 0.5)
    return heights


def _upright_axis(axes: Any, place: int, name: str, scale: Scale, side: Literal[-1, 1]) -> None:
    """side: of the axis that its numbers stand on, -1 for the left."""
    axes.plot([place, place], [0, 1], color="#80868b", linewidth=1, zorder=3)
    for (height, _), text in zip(scale.ticks, _cut_texts(scale), strict=True):
        axes.plot([place + 0.02 * side, place], [height, height], color="#80868b", linewidth=1, zorder=3)
        box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8}
        look = {"ha": "right" if side < 0 else "left", "va": "center", "fontsize": 8, "color": INK}
        axes.text(place + 0.04 * side, height, text, bbox=box, zorder=5, parse_math=False, **look)
    name = cut(name, LONGEST_NAME)
    axes.text(place, 1.07, name, ha="center", va="bottom", fontsize=9, color=GREY, parse_math=False)


def _cut_texts(scale: Scale) -> list[str]:
    return [cut(text, LONGEST_VALUE) for _, text in scale.ticks]


def _colours(figure: Any, axes: Any, values: Mapping[int, float], objective: str, minimize: bool) -> dict[int, Any]:
    """Each job's colour by its objective, explained by a bar beside the axes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize

    if not values:
        return {}
    shades = SHADES[::-1] if minimize else SHADES
    least, most = min(values.values()), max(values.values())
    room = 0.0 if most > least else max(abs(most), 1e-3) / 10
    norm = LogNorm(least, most) if is_wide([least, most]) else Normalize(least - room, most + room)
    colours = ScalarMappable(norm, LinearSegmentedColormap.from_list("objective", shades))
    bar = figure.colorbar(colours, ax=axes, fraction=0.03, pad=0.02, aspect=30)
    bar.set_label(objective)
    bar.outline.set_visible(False)
    return {number: colours.cmap(norm(value)) for number, value in values.items()}
