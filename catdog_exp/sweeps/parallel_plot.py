"""A sweep's jobs across all that it varied, as lines over upright axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catdog_exp.plots.figure import ACCENT, BLUE, GREY, new_figure, write_figure
from catdog_exp.sweeps.axes import ABSENT, LONGEST_NAME, fit_axis, is_wide, key_of, least_distance
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.sweeps.results import best_job, differing_keys, ranked, value_of
from catdog_exp.tables import cut

MOST_AXES = 14  # keys; of more the page would be too wide to look at
WIDEST_BAND = 0.1  # of an axis, that lines through one value take
MOST_WIDE = 60  # jobs; the lines of more are thinner
BOX = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
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


def _add_heights(lines: Mapping[int, list[float]], shares: Mapping[int, float]) -> None:
    """Lead each job's line to the next axis.

    Jobs of one value meet the axis a little apart, in their order from below, or their lines would lie upon another.
    """
    groups: dict[float, list[int]] = {}
    for number in lines:
        groups.setdefault(shares[number], []).append(number)
    room = least_distance(groups)
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
