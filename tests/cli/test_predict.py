"""`catdog predict` with the networks of runs."""

import csv
import json
import shutil

import pytest

from tests.cli.store import runs


@pytest.fixture
def pictures(finished, tmp_path):
    """Three drawn pictures."""
    folder = tmp_path / "unknown"
    folder.mkdir()
    drawn = next((finished[0] / "outputs" / "pictures").glob("*/dog"))
    for number, picture in enumerate(sorted(drawn.iterdir())[:3], start=8):
        shutil.copy(picture, folder / f"{number}.jpg")
    return folder


def test_the_best_run_says_of_pictures_what_it_was_judged_by(finished, catdog, tmp_path):
    root = next((finished[0] / "outputs" / "pictures").iterdir())
    (table,) = finished[0].glob("outputs/runs/*/*/evaluation.json")
    judged = json.loads(table.read_text())
    rows = [dict(zip(judged["columns"], row, strict=True)) for row in judged["data"]]
    pictures = [root / row["picture"] for row in rows]
    out = tmp_path / "labels.csv"
    done = catdog("predict", *pictures, "--out", out, f"paths.outputs={finished[0]}/outputs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "network of run" in done.stderr
    with out.open(newline="") as file:
        found = list(csv.DictReader(file))
    lines = done.stdout.splitlines()
    for judged_as, said, line, picture in zip(rows, found, lines[1:], pictures, strict=True):
        assert (said["label"], said["path"]) == (judged_as["predicted"], str(picture))
        assert float(said["probability"]) == pytest.approx(judged_as["probability"], abs=1e-5)
        assert line.split()[0] == said["label"]


def test_a_run_is_chosen_by_the_first_digits_of_its_id(finished, catdog, pictures):
    (run,) = runs(finished[0])
    done = catdog("predict", pictures / "8.jpg", "--run", run.info.run_id[:8], cwd=finished[0])
    assert done.returncode == 0, done.stderr
    assert run.info.run_id[:8] in done.stderr


@pytest.mark.parametrize(
    ("words", "told"), [(["--run", "ffffffff"], "ffffffff"), (["tracking.experiment=other"], "other")]
)
def test_a_run_that_is_not_there_is_told_in_one_line(finished, catdog, pictures, words, told):
    done = catdog("predict", pictures, *words, cwd=finished[0])
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_without_any_run_the_first_step_is_told(catdog, pictures, tmp_path):
    done = catdog("predict", pictures)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "outputs").exists()
