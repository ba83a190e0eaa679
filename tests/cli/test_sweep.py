"""A sweep by the command: the grid, its parent run, packs made once."""

import re

import pytest

from tests.cli.conftest import SMALL
from tests.cli.store import runs


@pytest.mark.slow
def test_a_grid_runs_under_one_parent_and_packs_once_for_each_size(catdog, tmp_path):
    done = catdog("-m", *SMALL, "model.layers=1,2", "data.resize=16,24")
    assert done.returncode == 0, done.stderr
    parent, *children = runs(tmp_path)
    assert parent.info.run_name == "sweep"
    assert len(children) == 4
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    grid = {(run.data.params["model.layers"], run.data.params["data.resize"]) for run in children}
    assert grid == {("1", "16"), ("1", "24"), ("2", "16"), ("2", "24")}
    assert len([path for path in (tmp_path / "outputs" / "packs").iterdir() if path.is_dir()]) == 2
    assert len(re.findall(r"\[\d\] packed 48 \+ 12 pictures", done.stdout)) == 2
    assert sorted(path.parent.name for path in tmp_path.glob("outputs/runs/*/*/*/run.log")) == [
        "0",
        "1",
        "2",
        "3",
    ]


@pytest.mark.slow
def test_a_job_that_fails_leaves_the_others_their_results(catdog, tmp_path):
    done = catdog("-m", *SMALL, "train.lr=0.01,1e30")
    assert done.returncode == 2
    assert "train.lr" in done.stderr.strip().splitlines()[-1]
    parent, *children = runs(tmp_path)
    assert parent.info.status == "FAILED"
    assert sorted(run.info.status for run in children) == ["FAILED", "FINISHED"]
