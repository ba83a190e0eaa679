"""The picture of an evaluation, and what it says of the pictures judged."""

import cv2
import numpy as np
import pytest

from catdog_exp.inference.evaluation import evaluate
from catdog_exp.inference.picture_traits import picture_traits
from catdog_exp.plots.evaluation import evaluation_plot
from tests.learnable import decoded


@pytest.mark.parametrize(("classes", "labels"), [(2, 1), (40, 39)], ids=str)
def test_any_number_of_classes_is_drawn_and_one_without_pictures_too(tmp_path, classes, labels):
    drawing = np.random.default_rng(0)
    probabilities = drawing.dirichlet(np.ones(classes), 80)
    evaluation = evaluate(np.arange(80) % labels, probabilities, [f"a class $a_{n}$" for n in range(classes)])
    pictures = decoded(list(drawing.integers(0, 256, (80, 8, 8, 3), np.uint8)), [0] * 80, 8)
    evaluation_plot(evaluation, picture_traits(pictures, [tmp_path / "gone.jpg"] * 80), tmp_path / "plot.png")
    drawn = cv2.imread(str(tmp_path / "plot.png"))
    assert (drawn == 255).mean() > 0.8
    assert (drawn.min(axis=2) < 128).sum() > 1000


def test_traits_are_of_the_file_and_of_what_the_network_sees(tmp_path):
    checks = np.indices((8, 8)).sum(axis=0) % 2 * 255
    even, sharp = np.full((8, 8, 3), 200, np.uint8), np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "large.png"), np.zeros((60, 90, 3), np.uint8))
    files = [tmp_path / "large.png", tmp_path / "gone.png"]
    size, brightness, sharpness = (trait.values for trait in picture_traits(decoded([even, sharp], [0, 1], 8), files))
    assert size[0] == 60
    assert np.isnan(size[1])
    assert brightness.tolist() == [200, pytest.approx(127.5)]
    assert sharpness[0] == 0
    assert sharpness[1] > 100
