"""Predictions as people are told of them."""

from pathlib import Path

from catdog_exp.inference.pictures import PictureFile
from catdog_exp.inference.prediction import Prediction
from catdog_exp.inference.report import Report


def said(name, *shares, classes=("cat", "dog")):
    picture = PictureFile(Path(name))
    return Prediction.of(picture, classes, shares) if shares else Prediction(picture, None, None, (), "empty file")


def test_rows_have_columns_before_all_are_known_and_the_last_line_counts_them():
    report = Report(["cat", "dog"])
    rows = [report.row(each) for each in (said("a, b.jpg", 0.75, 0.25), said("x.jpg"), said("猫.jpg", 0.0, 1.0).at(1))]
    assert [report.head, *rows] == [
        "label   probability  picture",
        "cat          75.0 %  a, b.jpg",
        "–                    x.jpg: empty file",
        "dog         100.0 %  猫.jpg",
    ]
    report.row(said("1.jpg", 0.6, 0.4).at(0.7))
    expected = "4 pictures: 1 cat, 1 dog, 1 unsure, 1 could not be read, the first: x.jpg: empty file"
    assert report.summary == expected
    assert report.unreadable == 1


def test_several_likeliest_classes_stand_side_by_side():
    report = Report(["ant", "bee", "cow"], top_k=2)
    assert report.head == "label   probability  2.                   picture"
    row = report.row(said("1.jpg", 0.2, 0.1, 0.7, classes=("ant", "bee", "cow")))
    assert row == "cow          70.0 %  ant          20.0 %  1.jpg"


def test_a_name_cannot_break_the_rows():
    row = Report(["cat", "dog"]).row(said("a\nb\x1b[31m.jpg", 0.5, 0.5))
    assert row.endswith("  a?b?[31m.jpg")
