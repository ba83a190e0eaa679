"""`catdog predict`."""

import csv
import shutil

import pytest

from tests.cli.store import runs


@pytest.fixture
def pictures(finished, tmp_path):
    """Three drawn pictures and one file that is none."""
    folder = tmp_path / "unknown"
    folder.mkdir()
    drawn = next((finished[0] / "outputs" / "pictures").glob("*/dog"))
    for number, picture in enumerate(sorted(drawn.iterdir())[:3], start=8):
        shutil.copy(picture, folder / f"{number}.jpg")
    (folder / "text.jpg").write_text("no picture")
    return folder


def test_the_best_run_labels_a_folder(finished, catdog, pictures, tmp_path):
    out, show = tmp_path / "labels.csv", tmp_path / "labels.png"
    done = catdog("predict", pictures, "--out", out, "--show", show, cwd=finished[0])
    assert done.returncode == 0, done.stderr
    assert "network of run" in done.stderr
    table = done.stdout.splitlines()
    assert [line.split()[0].rsplit("/", 1)[-1] for line in table[1:]] == [
        "8.jpg",
        "9.jpg",
        "10.jpg",
        "text.jpg",
    ]
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:3]:
        assert float(row["p_cat"]) + float(row["p_dog"]) == pytest.approx(1, abs=1e-4)
        assert float(row["probability"]) == max(float(row["p_cat"]), float(row["p_dog"]))
        assert float(row[f"p_{row['label']}"]) == float(row["probability"])
    assert rows[3]["label"] == ""
    assert rows[3]["reason"]
    assert show.read_bytes().startswith(b"\x89PNG")


def test_a_run_is_chosen_by_the_first_digits_of_its_id(finished, catdog, pictures):
    (run,) = runs(finished[0])
    done = catdog("predict", pictures / "8.jpg", "--run", run.info.run_id[:8], cwd=finished[0])
    assert done.returncode == 0, done.stderr
    assert run.info.run_id[:8] in done.stderr


def test_outputs_elsewhere_are_named_like_any_setting(finished, catdog, pictures, tmp_path):
    done = catdog("predict", pictures, f"paths.outputs={finished[0]}/outputs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.jpg"], "nowhere.jpg"),
        (["{pictures}", "--run", "ffffffff"], "ffffffff"),
        (["{pictures}", "--run", "ff"], "ff"),
        (["{pictures}", "--out", "no/such/folder/labels.csv"], "no/such/folder"),
        (["{pictures}", "tracking.experiment=other"], "other"),
        (["paths.outputs=elsewhere"], "no pictures named"),
    ],
)
def test_a_mistake_is_told_in_one_line(finished, catdog, pictures, words, told):
    done = catdog("predict", *(word.format(pictures=pictures) for word in words), cwd=finished[0])
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_without_any_run_the_first_step_is_told(catdog, pictures, tmp_path):
    done = catdog("predict", pictures)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "outputs").exists()
