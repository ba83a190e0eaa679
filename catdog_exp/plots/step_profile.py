"""Where a training step's time goes."""

from __future__ import annotations

from pathlib import Path

from catdog_exp.plots.figure import ACCENT, BLUE, GREY, new_figure, write_figure
from catdog_exp.training.step_profile import StepProfile

MOST = 10  # operators that are named
COLOURS = (GREY, BLUE, ACCENT, "#3f7d4e")  # of the parts


def step_profile_plot(profile: StepProfile, path: Path) -> None:
    """Draw the parts of a step, and the operators with the most time, as a PNG at `path`.

    Raises UserError when `path` cannot be written.
    """
    named = list(profile.operators.items())
    rest = [took for _, took in named[MOST:]]
    if rest:
        named = [*named[:MOST], (f"{len(rest)} others", (sum(each[0] for each in rest), sum(each[1] for each in rest)))]
    figure = new_figure(9, 2.6 + 0.3 * len(named))
    grid = figure.add_gridspec(2, 1, height_ratios=[1.2, 0.6 + 0.3 * len(named)])
    parts = figure.add_subplot(grid[0])
    start = 0.0
    for (part, took), colour in zip(profile.parts.items(), COLOURS, strict=True):
        parts.barh([0], [took], left=start, color=colour, label=f"{part} {took:.3g}")
        start += took
    parts.set_yticks([])
    parts.set_title(f"Parts of a step of {profile.pictures} pictures (ms)", loc="left")
    together = f"{profile.step:.3g} ms as they overlap; a validation {profile.validation:.3g} ms"
    parts.set_title(together, loc="right", color=GREY, fontsize=10)
    parts.legend(frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.2))

    operators = figure.add_subplot(grid[1])
    names = [name for name, _ in named]
    forward, backward = zip(*(took for _, took in named), strict=True)
    operators.barh(names, forward, color=BLUE, label="forward")
    operators.barh(names, backward, left=forward, color=ACCENT, label="backward")
    for place, (_, both) in enumerate(named):
        operators.annotate(f" {sum(both):.3g}", (sum(both), place), va="center", color=GREY)
    operators.invert_yaxis()
    operators.margins(x=0.1)
    operators.set_title("MXNet's operators in a step, all cores together (ms)", loc="left")
    operators.legend(frameon=False, loc="lower right")
    write_figure(figure, path)
