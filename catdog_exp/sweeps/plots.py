"""What a sweep has found: its jobs across all that it varied, and the objective by each key."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from catdog_exp.plots.figure import ACCENT, BLUE, GREY, INK, new_figure, write_figure
from catdog_exp.sweeps.axes import are_numbers, fit_axis, is_wide, key_of, label, ordered
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.sweeps.results import best_job, differing_keys, ranked, value_of
from catdog_exp.sweeps.seeds import SEEDS
from catdog_exp.tables import cut

MOST_AXES = 14  # keys; of more the page would be too wide to look at
MARKERS = "os^Dv<>P"  # of the values of another key; where it has more, they are not told apart
ABSENT = "–"  # stands for the value of a key that a job does not have
WIDEST_BAND = 0.1  # of an axis, that lines through one value take
MOST_WIDE = 60  # jobs; the lines of more are thinner
LONGEST_NAME = 22  # letters of a key
BOX = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
LETTERS = 9  # below an inch of an axis
# From a poor objective to a good one; the palest is still seen on white.
SHADES = ("#d3dde8", "#8db4d9", BLUE, "#05264a")


def parallel_coordinates(
    jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str, minimize: bool, path: Path
) -> None:
    """Draw each job as a line across one axis for each differing key and one for the objective, as PNG at `path`.

    The best job's line is thick, and its objective stands beside it; those of failed jobs are grey and end before
    the objective. Raises UserError when `path` cannot be written.
    """
    from matplotlib.collections import LineCollection

    keys = differing_keys(jobs)
    drawn = keys[:MOST_AXES]
    order = ranked(jobs, outcomes, minimize)
    best = best_job(jobs, outcomes, minimize)
    values = {job.number: value for job in order if (value := value_of(outcomes[job.number])) is not None}
    failed = [job for job in jobs if job.number in outcomes and outcomes[job.number].status == "failed"]

    figure = new_figure(max(6.4, 2.2 + 1.7 * (len(drawn) + 1)), 5.4)
    axes = figure.add_subplot()
    axes.set(xlim=(-0.45, len(drawn) + 0.35) if drawn else (-1, 1), ylim=(0, 1))
    axes.axis("off")
    lines: dict[int, list[float]] = {job.number: [] for job in (*failed, *reversed(order))}
    for place, key in enumerate(drawn):
        upright = _upright_axis(axes, place, key, "left")
        shares = fit_axis(upright.yaxis, [job.differs.get(key, ABSENT) for job in jobs])
        for text in upright.get_yticklabels():  # lines run behind
            text.set_bbox(BOX)
        _add_heights(lines, {job.number: shares[key_of(job.differs.get(key, ABSENT))] for job in jobs})
    upright = _upright_axis(axes, len(drawn), objective, "right")
    shares = fit_axis(upright.yaxis, list(values.values()))
    for job in order:
        lines[job.number].append(shares[key_of(values[job.number])])
    colours = _colours(figure, axes, values, objective, minimize)
    others = [job.number for job in reversed(order) if job is not best]  # the better ones on top
    width = 1.5 if len(order) <= MOST_WIDE else 0.8
    shades = [colours[number] for number in others]
    dashed: dict[str, Any] = {"color": GREY, "linewidth": 1, "linestyle": (0, (3, 3)), "label": "failed"}
    solid: dict[str, Any] = {"color": shades, "linewidth": width}
    # Each kind as one: a thousand lines of their own take seconds.
    for numbers, look in (([job.number for job in failed], dashed), (others, solid)):
        if points := [list(enumerate(lines[number])) for number in numbers if lines[number]]:
            axes.add_collection(LineCollection(points, clip_on=False, **look))
    if best is not None:
        look = {"color": ACCENT, "linewidth": 3.5, "label": f"best: job {best.number}", "zorder": 4}
        axes.plot(lines[best.number], marker="o", markersize=3, clip_on=False, **look)
        bold: dict[str, Any] = {"ha": "right", "va": "center", "weight": "bold", "color": ACCENT, "bbox": BOX}
        text, height = f"{values[best.number]:.4f}", lines[best.number][-1]
        upright.text(len(drawn) - 0.06, height, text, transform=axes.transData, **bold)
    without = "" if len(drawn) == len(keys) else f"; {len(keys) - len(drawn)} more keys differ"
    title = f"{len(values)} of {len(jobs)} job{'s' * (len(jobs) != 1)} with a result{without}"
    axes.set_title(title, loc="left", pad=46)
    if best is not None or (failed and drawn):
        figure.legend(loc="outside lower left", ncols=3, frameon=False)
    write_figure(figure, path)


def objective_by_key(
    jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str, minimize: bool, folder: Path
) -> list[Path]:
    """Draw the objective against each differing key, one PNG for each in `folder`, and return the files.

    A point is a job. Where one other key differs, its values are told apart by colour, if they are few. Jobs that
    differ in their seed alone have their mean and standard deviation beside them, those that were given up left out.
    Raises UserError when `folder` cannot be written to.
    """
    files: list[Path] = []
    best = best_job(jobs, outcomes, minimize)
    keys = differing_keys(jobs)
    for key in keys:
        name = f"objective_by_{re.sub(r'[^A-Za-z0-9_.-]+', '_', key)}"
        same = sum(file.stem == name for file in files)
        files.append(folder / f"{name}{f'-{same + 1}' * bool(same)}.png")
        with_it = [job for job in ranked(jobs, outcomes, minimize) if key in job.differs]
        others = [other for other in keys if other != key and other not in SEEDS and len(_by(other, with_it)) > 1]
        _objective_by(key, with_it, others, outcomes, objective, best, files[-1])
    return files


def _objective_by(
    key: str,
    jobs: Sequence[Job],
    others: Sequence[str],
    outcomes: Mapping[int, Outcome],
    objective: str,
    best: Job | None,
    path: Path,
) -> None:
    """others: keys other than seeds in which `jobs` differ too."""
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    settings = [job.differs[key] for job in jobs]
    shares = fit_axis(axes.xaxis, settings, margin=0.08)
    series = _by(others[0], jobs) if len(others) == 1 else [jobs]
    if len(series) > len(MARKERS):
        series = [jobs]
    legend: dict[str, Any] = {}
    for marker, colour, members in zip(MARKERS, _series_colours(len(series)), series, strict=False):
        look: dict[str, Any] = {"color": colour, "transform": axes.get_yaxis_transform()}
        ended: dict[float, list[float]] = {}
        at: tuple[float, float] | None = None  # the best one's point
        points: dict[bool, list[tuple[float, float]]] = {}  # by whether they were given up
        for job, share, place in _side_by_side(key, members, shares):
            value = value_of(outcomes[job.number])
            assert value is not None
            given_up = outcomes[job.number].status == "pruned"
            points.setdefault(given_up, []).append((place, value))
            if not given_up:
                ended.setdefault(share, []).append(value)
            if job is best:
                at = place, value
        for given_up, those in points.items():
            fill = "none" if given_up else "full"
            [drawn] = axes.plot(*zip(*those, strict=True), marker, markersize=5, alpha=0.6, fillstyle=fill, **look)
            if given_up:
                legend["given up early"] = drawn
            elif len(series) > 1:
                own = label(members[0].differs.get(others[0], ABSENT))
                legend[f"{cut(others[0], LONGEST_NAME)}={own}"] = drawn
        if best is not None and at is not None:
            ring = look | {"markersize": 11, "markerfacecolor": "none", "markeredgewidth": 2, "color": ACCENT}
            [legend[f"best: job {best.number}"]] = axes.plot(*at, "o", **ring)
        if len(series) > 1 or not others:  # jobs of one share differ in their seed alone
            ink = INK if len(series) == 1 else colour
            _draw_means(axes, ended, legend, look | {"color": ink}, are_numbers(settings) and key not in SEEDS)
    _turn_long_texts(figure, axes)
    axes.margins(y=0.1)
    axes.grid(axis="y", color="#e8eaed")
    axes.set_xlabel(key, parse_math=False)
    axes.set_ylabel(objective)
    axes.set_title(f"{objective} by {key}", loc="left", parse_math=False)
    if legend:
        figure.legend(legend.values(), legend.keys(), loc="outside lower right", ncols=3, frameon=False)
    write_figure(figure, path)


def _draw_means(
    axes: Any, groups: Mapping[float, Sequence[float]], legend: dict[str, Any], look: Mapping[str, Any], joined: bool
) -> None:
    """The mean of the values at each place, and their standard deviation where they are several."""
    means = {place: statistics.mean(values) for place, values in sorted(groups.items())}
    several = {place: statistics.stdev(values) for place, values in sorted(groups.items()) if len(values) > 1}
    if joined:
        axes.plot(list(means), list(means.values()), linewidth=1, **look)
    if several:
        heights = [means[place] for place in several]
        bars = axes.errorbar(
            list(several), heights, list(several.values()), fmt="D", markersize=5, capsize=4, zorder=3, **look
        )
        legend.setdefault("mean ± standard deviation", bars)


def _turn_long_texts(figure: Any, axes: Any) -> None:
    labels = axes.get_xticklabels()
    figure.set_figwidth(min(12.0, max(6.4, 2 + 0.55 * len(labels))))
    if max((len(text.get_text()) for text in labels), default=0) * len(labels) > LETTERS * figure.get_figwidth():
        for text in labels:
            text.set(rotation=35, ha="right", rotation_mode="anchor")


def _by(key: str, jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs by their value of `key`, in the order of the values."""
    groups: dict[str, list[Job]] = {
        key_of(value): [] for value in ordered(job.differs.get(key, ABSENT) for job in jobs)
    }
    for job in jobs:
        groups[key_of(job.differs.get(key, ABSENT))].append(job)
    return list(groups.values())


def _series_colours(count: int) -> list[Any]:
    from matplotlib import colormaps

    return [BLUE] if count == 1 else [colormaps["viridis"](0.85 * number / (count - 1)) for number in range(count)]


def _side_by_side(key: str, jobs: Sequence[Job], shares: Mapping[str, float]) -> Iterator[tuple[Job, float, float]]:
    """Each job, its share of the axis, and a place near it for its point, as points would lie upon another."""
    for group in _by(key, jobs):
        share = shares[key_of(group[0].differs[key])]
        width = min(0.005 * (len(group) - 1), 0.06, 0.5 * _least_distance(shares.values()))
        for number, job in enumerate(group):  # next ones far apart, by the golden ratio
            yield job, share, share + width * ((number * 0.618034 + 0.5) % 1 - 0.5)


def _least_distance(shares: Iterable[float]) -> float:
    return min((after - before for before, after in pairwise(sorted(set(shares)))), default=1.0)


def _add_heights(lines: Mapping[int, list[float]], shares: Mapping[int, float]) -> None:
    """Lead each job's line to the next axis.

    Jobs of one value meet the axis a little apart, in their order from below, or their lines would lie upon another.
    """
    groups: dict[float, list[int]] = {}
    for number in lines:
        groups.setdefault(shares[number], []).append(number)
    room = _least_distance(groups)
    for share, group in groups.items():
        band = min(0.015 * (len(group) - 1), 0.5 * room, WIDEST_BAND)
        for order, number in enumerate(group):
            lines[number].append(share + band * (order / max(1, len(group) - 1) - 0.5))


def _upright_axis(axes: Any, place: int, name: str, side: str) -> Any:
    """Axes over `axes` whose vertical axis stands at `place` along it. side: that its numbers stand on."""
    upright = axes.twinx()
    upright.spines[["left", "right"]].set_position(("data", place))
    upright.spines["bottom"].set_visible(False)
    upright.yaxis.set_ticks_position(side)
    upright.tick_params(labelsize=8)
    name = cut(name, LONGEST_NAME)
    look = {"ha": "center", "va": "bottom", "fontsize": 9, "color": GREY, "parse_math": False}
    upright.text(place, 1.07, name, transform=axes.transData, **look)
    return upright


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
