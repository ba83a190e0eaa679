"""`catdog predict` with a checkpoint file: words in, rows and files out, and mistakes in one line."""

import csv
import json
import os
import sys
import zipfile

import cv2
import numpy as np
import pytest

from catdog_exp.cli import main
from catdog_exp.inference import arrivals
from catdog_exp.networks.cnn import Cnn
from tests.checkpoints import save_drawn

SIZE = 16


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    cnn = Cnn(layers=1, width=4, dense=[], batch_norm=False, dropout=0)
    return str(save_drawn(tmp_path_factory.mktemp("network"), cnn, SIZE))


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Five drawn pictures, one of them in an archive, and a file that is none."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    drawing = np.random.default_rng(0)
    for name in ("10.png", "2.png", "more/3.png", "more/4.png"):
        assert cv2.imwrite(str(folder / name), drawing.integers(0, 256, (20, 30, 3), np.uint8))
    with zipfile.ZipFile(tmp_path / "5.zip", "w") as archive:
        archive.write(folder / "2.png", "5.png")
    (folder / "9.jpg").write_text("no picture")
    return folder


def rows_of(file):
    with file.open(newline="") as lines:
        return {row["path"]: row for row in csv.DictReader(lines)}


def test_a_folder_is_answered_on_standard_output_and_in_files_and_ends_with_1_for_a_broken_picture(
    network, pictures, tmp_path, capsys
):
    words = ["--model", network, "--out", "all.csv", "--submission", "kaggle.csv", "--show", "all.png"]
    assert main(["predict", "pictures", *words, "--explain", "why.png"]) == 1
    shown = capsys.readouterr()
    names = ["2.png", "9.jpg", "10.png", "more/3.png", "more/4.png"]
    found = rows_of(tmp_path / "all.csv")
    assert list(found) == [f"pictures/{name}" for name in names]
    lines = shown.out.splitlines()
    for name, line in zip(names, lines[1:], strict=True):
        row = found[f"pictures/{name}"]
        assert f"pictures/{name}" in line
        if name == "9.jpg":
            assert (row["label"], row["probability"]) == ("", "")
            assert "not a picture" in row["reason"]
            assert "not a picture" in line
        else:
            assert line.split()[0] == row["label"]
            assert float(row[f"p_{row['label']}"]) == float(row["probability"]) >= 0.5
    assert "5 pictures:" in shown.err
    assert "1 could not be read" in shown.err
    kaggle = (tmp_path / "kaggle.csv").read_text().split()
    assert [line.split(",")[0] for line in kaggle] == ["id", "2", "3", "4", "9", "10"]
    assert kaggle[1].split(",")[1] == found["pictures/2.png"]["p_dog"]
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "why.png").stat().st_size > (tmp_path / "all.png").stat().st_size  # each is drawn twice


def test_archives_patterns_and_standard_input_give_the_same_answers_whatever_the_batch(
    network, pictures, tmp_path, capsys, monkeypatch
):
    (tmp_path / "list").write_text("pictures/more/3.png\npictures/more/4.png\n")
    with (tmp_path / "list").open() as lines:
        monkeypatch.setattr(sys, "stdin", lines)
        words = ["--model", network, "--batch-size", "1", "--top-k", "2", "--out", "some.jsonl", "--threshold", "1"]
        assert main(["predict", "5.zip", "pictures/*.png", "-", *words]) == 0
    assert main(["predict", "pictures/*.png", "pictures/more", "--model", network, "--out", "same.csv"]) == 0
    same = rows_of(tmp_path / "same.csv")
    found = [json.loads(line) for line in (tmp_path / "some.jsonl").read_text().splitlines()]
    assert [row["path"] for row in found] == ["5.zip/5.png", *same]
    for row in found:
        twin = same["pictures/2.png" if row["path"] == "5.zip/5.png" else row["path"]]
        assert row["label"] == "unsure"
        assert row["probability"] == pytest.approx(float(twin["probability"]), abs=2e-6)
        assert row["probability"] + row["probability_2"] == pytest.approx(1, abs=2e-6)
    assert capsys.readouterr().out.count("unsure") == 5


def test_where_nobody_reads_the_rows_the_file_is_whole_all_the_same(network, pictures, tmp_path, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["predict", "pictures", "--model", network, "--out", "all.csv"]) == 1
    assert len(rows_of(tmp_path / "all.csv")) == 5


def test_a_watched_folder_is_answered_as_pictures_arrive_until_ctrl_c(network, pictures, tmp_path, monkeypatch, capsys):
    def interrupted_after(arriving):
        def sleep(_seconds):
            if not arriving:
                raise KeyboardInterrupt
            (pictures / "2.png").rename(pictures / arriving.pop())

        monkeypatch.setattr(arrivals.time, "sleep", sleep)

    monkeypatch.setattr(arrivals, "QUIET", 0.0)
    (pictures / "9.jpg").unlink()
    words = ["predict", "--watch", "pictures", "--model", network, "--out", "all.csv"]
    interrupted_after(["12.png"])
    assert main(words) == 0
    assert list(rows_of(tmp_path / "all.csv")) == [
        f"pictures/{name}" for name in ("2.png", "10.png", "more/3.png", "more/4.png", "12.png")
    ]
    assert "5 pictures:" in capsys.readouterr().err
    (pictures / "12.png").rename(pictures / "13.png")
    interrupted_after([])
    assert main(words) == 0  # and goes on with the file
    assert list(rows_of(tmp_path / "all.csv"))[-2:] == ["pictures/12.png", "pictures/13.png"]
    assert "1 picture:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.jpg"], "nowhere.jpg: there is no such file"),
        (["nowhere/*.jpg"], "nothing that this pattern matches"),
        (["pictures", "--out", "no/such/folder/labels.csv"], "no/such/folder"),
        (["pictures", "--out", "labels.txt"], "name a .csv or .jsonl or .parquet file"),
        (["pictures", "--watch", "pictures"], "either pictures or --watch"),
        (["--watch", "nowhere"], "no such folder"),
        (["--watch", "pictures", "--out", "all.parquet"], "name a .csv or .jsonl file"),
        (["--watch", "pictures", "--submission", "all.csv"], "--submission needs all pictures"),
        (["pictures", "--threshold", "2"], "--threshold 2: give a probability"),
        (["pictures", "--top-k", "0"], "--top-k 0: give 1 or more"),
        (["paths.outputs=elsewhere"], "no pictures named"),
        (["pictures", "--model", "list.safetensors"], "list.safetensors"),
        (["named", "--submission", "all.csv"], "named/x.png: this name has no number"),
    ],
)
def test_a_mistake_is_told_in_one_line(network, pictures, tmp_path, capsys, words, told):
    (tmp_path / "list.safetensors").write_text("no network")
    (tmp_path / "named").mkdir()
    (pictures / "2.png").rename(tmp_path / "named" / "x.png")
    model = [] if "--model" in words else ["--model", network]
    assert main(["predict", *words, *model]) == 2
    assert told in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.glob("all.*"))
