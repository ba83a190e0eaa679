"""A sweep by the command: the grid, its parent run, packs made once."""

import os
import re
import shutil
import signal
import statistics
import subprocess
import time

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
    assert len(list(tmp_path.glob("outputs/packs/*/manifest.json"))) == 2
    assert len(re.findall(r"\[\d\] packed 48 \+ 12 pictures", done.stdout)) == 2
    assert sorted(path.parent.name for path in tmp_path.glob("outputs/runs/*/*/*/run.log")) == [
        "0",
        "1",
        "2",
        "3",
    ]


@pytest.mark.slow
def test_a_sweep_over_seeds_says_mean_and_deviation(catdog, tmp_path):
    done = catdog("-m", *SMALL, "train.seed=range(0,3)")
    assert done.returncode == 0, done.stderr
    parent, *children = runs(tmp_path)
    values = [run.data.metrics["objective"] for run in children]
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    assert f"val/accuracy {mean:.4f} ± {deviation:.4f} over 3 seeds" in done.stdout
    assert parent.data.metrics == pytest.approx({"objective/mean": mean, "objective/deviation": deviation})


@pytest.mark.slow
def test_a_job_that_fails_leaves_the_others_their_results(catdog, tmp_path):
    done = catdog("-m", *SMALL, "train.lr=0.01,1e30")
    assert done.returncode == 2
    assert "train.lr" in done.stderr.strip().splitlines()[-1]
    parent, *children = runs(tmp_path)
    assert parent.info.status == "FAILED"
    assert sorted(run.info.status for run in children) == ["FAILED", "FINISHED"]
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_key_that_no_run_can_do_without_may_be_swept(catdog, tmp_path, finished):
    pictures = next((finished[0] / "outputs" / "pictures").glob("synthetic-*"))
    other = shutil.copytree(pictures, tmp_path / "other")
    roots = f"data.root={pictures},{other}"
    done = catdog("-m", "data=folder", roots, "stages=[pack]", "hydra.launcher.n_jobs=1")
    assert done.returncode == 0, done.stderr
    assert [run.info.status for run in runs(tmp_path)] == ["FINISHED"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_sweep_that_is_ended_from_outside_leaves_no_run_open(tmp_path, environment, command, number):
    words = ["-m", *SMALL, "train.epochs=100000", "train.seed=1,2"]
    process = subprocess.Popen(
        [command, *words],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    last = time.monotonic() + 120
    while len({state.parent for state in tmp_path.glob("outputs/unfinished/*/state-*")}) < 2:
        assert time.monotonic() < last
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else 143)
    assert {run.info.status for run in runs(tmp_path)} == {"KILLED"}
    last = time.monotonic() + 20  # the launcher's own helpers end a little later
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < last:
            os.killpg(process.pid, 0)
            time.sleep(0.1)
