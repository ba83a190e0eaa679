"""What a sweep has found: its jobs across all that it varied, and the objective by each key."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from catdog_exp.plots.figure import ACCENT, BLUE, INK, new_figure, write_figure
from catdog_exp.sweeps.axes import ABSENT, LONGEST_NAME, are_numbers, fit_axis, key_of, label, least_distance, ordered
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.sweeps.results import best_job, differing_keys, ranked, value_of
from catdog_exp.sweeps.seeds import SEEDS
from catdog_exp.tables import cut

MARKERS = "os^Dv<>P"  # of the values of another key; where it has more, they are not told apart
LETTERS = 9  # below an inch of an axis


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
        width = min(0.005 * (len(group) - 1), 0.06, 0.5 * least_distance(shares.values()))
        for number, job in enumerate(group):  # next ones far apart, by the golden ratio
            yield job, share, share + width * ((number * 0.618034 + 0.5) % 1 - 0.5)
