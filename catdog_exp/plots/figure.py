"""Matplotlib figures in one look, without its global state, so that threads do not disturb each other."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#202124"
GREY = "#6b7580"
BLUE = "#0b62b8"
ACCENT = "#be5200"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, whose parts find their room by themselves."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def write_figure(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG. Raises UserError when `path` cannot be written."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["bottom", "left"]].set_color("#b0b4b9")
        axes.tick_params(color="#b0b4b9", labelcolor="#3c4043")
        axes.set_axisbelow(True)
    with replacing(path) as aside, warnings.catch_warnings():
        # A class name in letters that DejaVu Sans lacks is drawn as boxes; nothing the user could mend.
        warnings.filterwarnings("ignore", r"Glyph .* missing", UserWarning)
        figure.savefig(aside, format="png", dpi=120, bbox_inches="tight", pad_inches=0.2)
