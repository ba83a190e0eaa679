"""Predictions to files: CSV, JSON lines, Parquet, a submission, im2rec's list."""

import csv
import json
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.inference.pictures import PictureFile
from catdog_exp.inference.prediction import UNSURE, Prediction
from catdog_exp.inference.prediction_files import growing_file, prediction_file, submission_file, write_test_list
from catdog_exp.packs.lst_files import read_list


def said(name, *shares, reason="", classes=("cat", "dog")):
    picture = PictureFile(Path(name))
    return Prediction.of(picture, classes, shares) if shares else Prediction(picture, None, None, (), reason)


PREDICTIONS = [said("cats/a, b.jpg", 0.75, 0.25), said("x.jpg", reason="empty file"), said("猫.jpg", 1e-9, 1.0)]
HEAD = ["path", "label", "probability", "p_cat", "p_dog", "reason"]


def written(path, predictions, classes=("cat", "dog"), top_k=None):
    with prediction_file(path, classes, top_k) as write:
        for found in predictions:
            write(found)
    return path


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def test_a_csv_file_comes_back_as_it_was(tmp_path):
    assert rows_of(written(tmp_path / "labels.csv", PREDICTIONS)) == [
        HEAD,
        ["cats/a, b.jpg", "cat", "0.750000", "0.750000", "0.250000", ""],
        ["x.jpg", "", "", "", "", "empty file"],
        ["猫.jpg", "dog", "1.000000", "0.000000", "1.000000", ""],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_json_lines_and_parquet_have_the_same_rows(tmp_path):
    from pyarrow.parquet import read_table

    expected = [
        ["cats/a, b.jpg", "cat", 0.75, 0.75, 0.25, None],
        ["x.jpg", None, None, None, None, "empty file"],
        ["猫.jpg", "dog", 1.0, pytest.approx(0, abs=1e-8), 1.0, None],
    ]
    lines = written(tmp_path / "labels.jsonl", PREDICTIONS).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [dict(zip(HEAD, row, strict=True)) for row in expected]
    table = read_table(written(tmp_path / "labels.parquet", PREDICTIONS * 6000))
    assert table.num_rows == 18_000
    assert [list(row.values()) for row in table.slice(17_997).to_pylist()] == expected
    assert read_table(written(tmp_path / "none.parquet", [])).column_names == HEAD


def test_the_likeliest_classes_in_place_of_all(tmp_path):
    classes = ["ant", "bee", "cow"]
    found = [said("1.jpg", 0.2, 0.1, 0.7, classes=classes), said("2.jpg", reason="empty file")]
    head, *rows = rows_of(written(tmp_path / "labels.csv", found, classes, top_k=2))
    assert head == ["path", "label", "probability", "label_2", "probability_2", "reason"]
    assert rows == [["1.jpg", "cow", "0.700000", "ant", "0.200000", ""], ["2.jpg", "", "", "", "", "empty file"]]
    assert len(rows_of(written(tmp_path / "all.csv", found, classes, top_k=9))[0]) == 8


def test_below_the_threshold_the_label_is_unsure():
    assert [said("1.jpg", share, 1 - share).at(0.7).label for share in (0.69, 0.71, 0.2)] == [UNSURE, "cat", "dog"]
    assert said("1.jpg", reason="empty file").at(0.7).label is None


@pytest.mark.parametrize(
    "name", ["two\nlines.jpg", "carriage\rreturn.jpg", 'quotes " and, commas.jpg', "=1+1.jpg", "."]
)
def test_a_csv_file_holds_any_name(tmp_path, name):
    found = Prediction(PictureFile(Path(name)), name, 1.0, (1e-9, 1.0), name)
    head, row = rows_of(written(tmp_path / "labels.csv", [found], [name, "b,\r\n"]))
    assert head == ["path", "label", "probability", f"p_{name}", "p_b,\r\n", "reason"]
    assert row == [name, name, "1.000000", "0.000000", "1.000000", name]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_name_that_is_not_utf8_is_written_so_that_it_can_be_read(tmp_path, ending):
    from pyarrow.parquet import read_table

    file = written(tmp_path / f"labels.{ending}", [said("caf\udce9 猫.jpg", 1.0, 0.0)])
    if ending == "parquet":
        assert read_table(file)["path"].to_pylist() == [r"caf\xe9 猫.jpg"]
    else:
        assert r"caf\xe9 猫.jpg" in file.read_text(encoding="utf-8").replace("\\\\", "\\")


def test_what_cannot_be_written_leaves_what_is_there(tmp_path):
    with pytest.raises(UserError, match=r"nowhere/labels\.csv cannot be written: No such file"):
        written(tmp_path / "nowhere" / "labels.csv", PREDICTIONS)
    file = written(tmp_path / "labels.csv", PREDICTIONS)
    with pytest.raises(KeyboardInterrupt), prediction_file(file, ["cat", "dog"]) as write:
        write(PREDICTIONS[0])
        raise KeyboardInterrupt
    assert len(rows_of(file)) == 4
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl"])
def test_a_growing_file_is_gone_on_with_and_has_each_row_at_once(tmp_path, name):
    file = tmp_path / name
    with growing_file(file, ["cat", "dog"]) as (write, known):
        assert known == set()
        write(PREDICTIONS[0])
        assert "cats/a, b.jpg" in file.read_text()
    with growing_file(file, ["cat", "dog"]) as (write, known):
        assert known == {"cats/a, b.jpg"}
        write(PREDICTIONS[2])
    whole = file.read_text()
    assert whole == written(tmp_path / f"whole_{name}", [PREDICTIONS[0], PREDICTIONS[2]]).read_text()
    with pytest.raises(UserError, match="other columns"), growing_file(file, ["a", "b", "c"]):
        pass
    file.write_text("<html>\n")
    with pytest.raises(UserError, match=r"labels\.\w+: "), growing_file(file, ["cat", "dog"]):
        pass
    assert file.read_text() == "<html>\n"


def test_a_submission_is_sorted_by_number_and_never_quite_sure(tmp_path):
    found = [said("a/10.jpg", 0.0, 1.0), said("2.jpg", 0.75, 0.25), said("dog.007.png", 1.0, 0.0), said("3.jpg")]
    with submission_file(tmp_path / "submission.csv") as write:
        for each in found:
            write(each)
    text = (tmp_path / "submission.csv").read_text()
    assert text == "id,label\n2,0.250000\n3,0.500000\n7,0.005000\n10,0.995000\n"
    for name, told in (("b/2.jpg", "number 2 too"), ("cat.jpg", "no number")):
        with pytest.raises(UserError, match=told), submission_file(tmp_path / "submission.csv") as write:
            write(said("2.jpg", 0.5, 0.5))
            write(said(name, 0.5, 0.5))
    assert (tmp_path / "submission.csv").read_text() == text


def test_a_test_list_is_one_of_im2rec(tmp_path):
    pictures = [tmp_path / "2.jpg", tmp_path / "with\ttab.jpg", tmp_path / "10.jpg"]
    write_test_list(list(map(PictureFile, pictures)), tmp_path / "test.lst")
    lines = (tmp_path / "test.lst").read_text().splitlines()
    assert lines[0] == f"0\t0.000000\t{tmp_path}/2.jpg"
    assert [len(line.split("\t")) for line in lines] == [3, 3, 3]
    assert [entry.path for entry in read_list(tmp_path / "test.lst")] == [str(picture) for picture in pictures]
    with pytest.raises(UserError, match="nowhere"):
        write_test_list([], tmp_path / "nowhere" / "test.lst")
