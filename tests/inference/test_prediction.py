"""Predictions to files and terminals."""

import csv
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.inference.pictures import PictureFile
from catdog_exp.inference.prediction import Prediction, table, write_csv, write_test_list
from catdog_exp.packs.lst_files import read_list


def file(name):
    return PictureFile(Path(name))


PREDICTIONS = [
    Prediction(file("cats/a, b.jpg"), "cat", 0.75, (0.75, 0.25)),
    Prediction(file("x.jpg"), None, None, (), "empty file"),
    Prediction(file("猫.jpg"), "dog", 1.0, (0.0, 1.0)),
]


def test_a_csv_file_comes_back_as_it_was(tmp_path):
    file = tmp_path / "labels.csv"
    write_csv(PREDICTIONS, ["cat", "dog"], file)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["path", "label", "probability", "p_cat", "p_dog", "reason"]
    assert [list(row.values()) for row in rows] == [
        ["cats/a, b.jpg", "cat", "0.750000", "0.750000", "0.250000", ""],
        ["x.jpg", "", "", "", "", "empty file"],
        ["猫.jpg", "dog", "1.000000", "0.000000", "1.000000", ""],
    ]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "name", ["two\nlines.jpg", "carriage\rreturn.jpg", 'quotes " and, commas.jpg', "=1+1.jpg", "."]
)
def test_a_csv_file_holds_any_name(tmp_path, name):
    write_csv([Prediction(file(name), name, 1.0, (1e-9, 1.0), name)], [name, "b,\r\n"], tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as lines:
        head, row = csv.reader(lines)
    assert head == ["path", "label", "probability", f"p_{name}", "p_b,\r\n", "reason"]
    assert row == [name, name, "1.000000", "0.000000", "1.000000", name]


def test_a_name_that_is_not_utf8_is_written_so_that_it_can_be_read(tmp_path):
    write_csv([Prediction(file("caf\udce9 猫.jpg"), "cat", 1.0, (1.0, 0.0))], ["cat", "dog"], tmp_path / "labels.csv")
    text = (tmp_path / "labels.csv").read_bytes().decode("utf-8")
    assert text.splitlines()[1] == r'"caf\xe9 猫.jpg","cat",1.000000,1.000000,0.000000,""'


def test_where_no_csv_can_be_written_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere/labels\.csv cannot be written: No such file"):
        write_csv(PREDICTIONS, ["cat", "dog"], tmp_path / "nowhere" / "labels.csv")


def test_a_table_has_aligned_columns():
    assert table(PREDICTIONS).splitlines() == [
        "path           label  probability",
        "cats/a, b.jpg  cat     75.0 %",
        "x.jpg          –      empty file",
        "猫.jpg         dog    100.0 %",
    ]


def test_a_long_table_is_cut_and_says_so():
    lines = table(PREDICTIONS * 500, 2).splitlines()
    assert len(lines) == 4
    assert lines[-1] == "and 1,498 more"
    assert table(PREDICTIONS, 3) == table(PREDICTIONS)


def test_a_name_cannot_break_the_table():
    lines = table([Prediction(file("a\nb\x1b[31m.jpg"), "cat", 0.5, (0.5, 0.5))], 5).splitlines()
    assert lines[1].startswith("a?b?[31m.jpg  cat")


def test_a_test_list_is_one_of_im2rec(tmp_path):
    pictures = [tmp_path / "2.jpg", tmp_path / "with\ttab.jpg", tmp_path / "10.jpg"]
    write_test_list(list(map(PictureFile, pictures)), tmp_path / "test.lst")
    lines = (tmp_path / "test.lst").read_text().splitlines()
    assert lines[0] == f"0\t0.000000\t{tmp_path}/2.jpg"
    assert [len(line.split("\t")) for line in lines] == [3, 3, 3]
    assert [entry.path for entry in read_list(tmp_path / "test.lst")] == [str(picture) for picture in pictures]
    with pytest.raises(UserError, match="nowhere"):
        write_test_list([], tmp_path / "nowhere" / "test.lst")
