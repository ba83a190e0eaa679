"""`catdog predict` with the networks of runs."""

import csv
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


def test_the_best_run_labels_a_folder(finished, catdog, pictures, tmp_path):
    out = tmp_path / "labels.csv"
    done = catdog("predict", pictures, "--out", out, f"paths.outputs={finished[0]}/outputs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "network of run" in done.stderr
    table = done.stdout.splitlines()
    assert [line.split()[-1].rsplit("/", 1)[-1] for line in table[1:]] == ["8.jpg", "9.jpg", "10.jpg"]
    with out.open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == [line.split()[0] for line in table[1:]]


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
