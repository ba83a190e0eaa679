"""Training curves: drawn for any number of epochs, the best one told by the objective."""

import sys

import cv2
import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.plots.curves import training_curves
from catdog_exp.plots.figure import ACCENT, BLUE, GREY

KEYS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr")


def epoch(*values):
    return dict(zip(KEYS, values, strict=True))


HISTORY = [
    epoch(0.7, 0.5, 0.69, 0.55, 0.1),
    epoch(0.5, 0.7, 0.5, 0.8, 0.1),
    epoch(0.3, 0.9, 0.4, 0.7, 0.05),
    epoch(0.2, 0.95, 0.6, 0.6, 0.01),
]


def places(path, colour):
    """Rows and columns of the pixels of a colour given as #rrggbb."""
    blue_green_red = [int(colour[start : start + 2], 16) for start in (5, 3, 1)]
    return np.nonzero((cv2.imread(str(path)) == blue_green_red).all(axis=2))


def rings(path):
    """Where each panel's mark of the best epoch lies across, 0..1 of the picture's width."""
    rows, columns = places(path, ACCENT)
    width = cv2.imread(str(path)).shape[1]
    lower = rows > 0.15 * cv2.imread(str(path)).shape[0]  # below legend and titles
    across = columns[lower] / width
    return across[across < 0.5].mean(), across[across > 0.5].mean()


@pytest.mark.parametrize("epochs", [1, 2, 4, 100])
def test_both_curves_are_drawn(tmp_path, epochs):
    training_curves((HISTORY * 25)[:epochs], tmp_path / "curves.png")
    for colour in (GREY, BLUE, ACCENT):
        assert len(places(tmp_path / "curves.png", colour)[0]) > 20


def test_the_best_epoch_is_the_one_of_the_objective(tmp_path):
    training_curves(HISTORY, tmp_path / "accuracy.png")  # the second epoch of four
    training_curves(HISTORY, tmp_path / "loss.png", objective="val/loss")  # the third
    for before, after in zip(rings(tmp_path / "accuracy.png"), rings(tmp_path / "loss.png"), strict=True):
        assert after - before > 0.05


def test_of_equally_good_epochs_the_first_is_marked(tmp_path):
    training_curves([HISTORY[1], HISTORY[1], HISTORY[0]], tmp_path / "tied.png")
    training_curves([HISTORY[1], HISTORY[0], HISTORY[0]], tmp_path / "first.png")
    assert rings(tmp_path / "tied.png") == pytest.approx(rings(tmp_path / "first.png"), abs=0.01)


@pytest.mark.filterwarnings("error")
def test_a_diverged_training_is_drawn_without_a_warning(tmp_path):
    diverged = epoch(float("nan"), 0.5, float("inf"), 0.5, 0.1)
    training_curves([HISTORY[0], diverged], tmp_path / "curves.png")
    training_curves([diverged], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1_000


def test_matplotlibs_global_state_is_left_alone(tmp_path):
    before = sys.modules.pop("matplotlib.pyplot", None)
    try:
        training_curves(HISTORY, tmp_path / "curves.png")
        assert "matplotlib.pyplot" not in sys.modules
    finally:
        if before is not None:
            sys.modules["matplotlib.pyplot"] = before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        training_curves(HISTORY, tmp_path / "nowhere" / "curves.png")
