"""Fine-tuning: a run that starts from another run's network, and what is wrong with a start."""

import shutil

import pytest

from tests.cli.conftest import SMALL
from tests.cli.store import client, runs


def test_a_run_starts_from_another_run_s_network(catdog, tmp_path, finished):
    folder = shutil.copytree(finished[0], tmp_path / "folder")
    (first,) = runs(folder)
    words = (f"train.init_from={first.info.run_id[:10]}", "train.freeze=[1,2]", "train.epochs=1")
    done = catdog(*SMALL, *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "parameters are taken from the file" in done.stdout
    second = runs(folder)[-1]
    assert int(second.data.params["model.parameters"]) > 0
    assert "model_summary.txt" in [file.path for file in client(folder).list_artifacts(second.info.run_id)]


@pytest.mark.parametrize(
    ("word", "told", "at_once"),
    [
        ("train.init_from=nowhere/weights.onnx", "nowhere/weights.onnx: there is no such file of weights", True),
        ("train.init_from=0123456789", "mlflow.db: no runs yet", False),
        ("train.freeze=[99]", "train.freeze: the network has no layer or parameter 99", True),
    ],
)
def test_a_start_that_cannot_be_is_told_in_one_line(catdog, tmp_path, word, told, at_once):
    done = catdog(*SMALL, word)
    assert (tmp_path / "outputs" / "packs").exists() != at_once
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("catdog:"))
    assert told in line
    assert "Traceback" not in done.stderr
