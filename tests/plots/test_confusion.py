"""The confusion matrix's picture: rows are the truth, dark is much."""

import itertools

import cv2
import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.plots import confusion
from catdog_exp.plots.confusion import confusion_plot, worst_confusions


def cells(path, classes):
    """Mean brightness of each cell, 0..255; the drawn crop is found by its tint."""
    picture = cv2.imread(str(path)).astype(int)
    # Even the palest cell has more blue than red.
    tinted = picture[:, :, 0] - picture[:, :, 2] > 5
    rows, columns = np.nonzero(tinted)
    crop = picture[rows.min() : rows.max(), columns.min() : columns.max()].mean(axis=2)
    edge = min(crop.shape) // classes
    return [
        [float(crop[row * edge :, column * edge :][: edge - 2, : edge - 2].mean()) for column in range(classes)]
        for row in range(classes)
    ]


def test_a_row_is_a_true_class_and_dark_cells_hold_much_of_it(tmp_path):
    confusion_plot([[90, 10], [60, 40]], ["cat", "dog"], tmp_path / "matrix.png")
    (cat_cat, cat_dog), (dog_cat, dog_dog) = cells(tmp_path / "matrix.png", 2)
    assert cat_cat < dog_cat < dog_dog < cat_dog


def test_shares_are_of_the_row_not_of_all(tmp_path):
    # Few dogs, most of them right: their cell is as dark as that of the many cats.
    confusion_plot([[900, 100], [1, 9]], ["cat", "dog"], tmp_path / "matrix.png")
    (cat_cat, _), (_, dog_dog) = cells(tmp_path / "matrix.png", 2)
    assert cat_cat == pytest.approx(dog_dog, abs=12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("classes", [2, 20, 60, 120])
def test_any_number_of_classes_and_any_name(tmp_path, classes):
    names = ["$x_1$", "猫", *(f"a rather long class name {number}" for number in range(classes - 2))]
    matrix = np.eye(classes, dtype=int)
    matrix[0, 0] = 0  # a class without pictures
    confusion_plot(matrix.tolist(), names, tmp_path / "matrix.png")
    height, width, _ = cv2.imread(str(tmp_path / "matrix.png")).shape
    assert 300 < height < 2_500
    assert 300 < width < 2_500


def test_of_many_classes_the_worst_confusions_are_named_and_no_text_lies_on_another(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(confusion, "write_figure", lambda figure, _path: written.append(figure))
    matrix = np.diag(np.full(120, 40))
    matrix[7, 90], matrix[118, 3] = 9, 30
    confusion_plot(matrix.tolist(), [f"breed of dogs {number}" for number in range(120)], tmp_path / "matrix.png")
    (figure,) = written
    figure.draw_without_rendering()
    matrix_axes, bars = figure.axes
    assert [label.get_text() for label in bars.get_yticklabels()] == [
        "breed of dogs 118 → breed of dogs 3",
        "breed of dogs 7 → breed of dogs 90",
    ]
    assert [text.get_text() for text in bars.texts] == [" 30 of 70", " 9 of 49"]
    for labels in (matrix_axes.get_yticklabels(), matrix_axes.get_xticklabels(), bars.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))


def test_no_confusions_of_a_network_without_mistakes():
    assert worst_confusions(np.eye(120, dtype=np.int64)) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        confusion_plot([[1, 0], [0, 1]], ["cat", "dog"], tmp_path / "nowhere" / "matrix.png")
