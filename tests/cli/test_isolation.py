"""Jobs of a sweep that come to grief: the others have their results, and each failure its explanation."""

import csv
import json
import subprocess
import tempfile
from pathlib import Path

import psutil
import pytest

from catdog_exp.sweeps.jobs import RESULT
from tests.cli.background import BEGUN, kill_all, wait_until
from tests.cli.conftest import SMALL
from tests.cli.store import client, runs
from tests.cli.troubled import MODEL, SOURCE

TROUBLES = {"1": "raise", "2": "hang", "3": "abort", "4": "kill"}


def jobs_of(tmp_path):
    """The table that the newest sweep has left, a dictionary for each job."""
    newest = max(tmp_path.glob("outputs/runs/*/*/sweep.csv"), key=lambda file: file.stat().st_mtime)
    with newest.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_six_jobs_of_which_four_fail(catdog, tmp_path):
    (tmp_path / "troubled.py").write_text(SOURCE)
    (tmp_path / "trouble.json").write_text(json.dumps(TROUBLES))
    words = ["-m", *SMALL, *MODEL, "+model.trouble=range(0,6)", "sweep.job_minutes=1.2"]
    done = catdog(*words, timeout=500)
    assert done.returncode == 1
    assert done.stderr == "catdog: 4 of 6 jobs have no result; the same command runs those alone\n"
    assert "Traceback" not in done.stdout + done.stderr
    table = jobs_of(tmp_path)
    assert [job["status"] for job in table] == [
        "failed" if str(number) in TROUBLES else "finished" for number in range(6)
    ]
    reasons = {what: table[int(number)]["reason"] for number, what in TROUBLES.items()}
    assert "this network is troubled" in reasons["raise"]
    assert "SIGABRT" in reasons["abort"]
    assert "SIGKILL" in reasons["kill"]
    assert "sweep.job_minutes" in reasons["hang"]
    for reason in reasons.values():
        assert reason in done.stdout
    parent, *children = runs(tmp_path)
    assert parent.info.status == "FAILED"
    assert {run.info.run_id: run.info.status for run in children} == {
        job["run"]: "FAILED" if job["status"] == "failed" else "FINISHED" for job in table
    }
    for number, what in TROUBLES.items():
        run = client(tmp_path).get_run(table[int(number)]["run"])
        told = reasons[what].split(": ")[-1].removesuffix("; this is code of your own")
        assert told in run.data.tags["error"]
        folder = next(tmp_path.glob(f"outputs/runs/*/*/{number}"))
        assert told in (folder / "run.log").read_text()
    # The same command, once there is no cause any more, runs those four.
    (tmp_path / "trouble.json").write_text("{}")
    again = catdog(*words, timeout=500)
    assert again.returncode == 0, again.stderr
    statuses = [job["status"] for job in jobs_of(tmp_path)]
    assert statuses == ["finished" if str(number) in TROUBLES else "reused" for number in range(6)]
    everything = runs(tmp_path)
    assert len(everything) == 7
    assert {run.info.status for run in everything} == {"FINISHED"}


@pytest.mark.slow
def test_a_failed_job_is_tried_again(catdog, tmp_path):
    (tmp_path / "flaky.py").write_text(
        "import os\nfrom dataclasses import dataclass\nfrom pathlib import Path\n"
        "from catdog_exp.networks.cnn import Cnn\n\n"
        "@dataclass(frozen=True)\nclass Flaky(Cnn):\n    def build(self, size, classes):\n"
        "        if len(list(Path().glob('tried-*'))) < 2:\n"
        "            Path(f'tried-{os.getpid()}').touch()\n            os.abort()\n"
        "        return super().build(size, classes)\n"
    )
    done = catdog("-m", *SMALL, "model._target_=flaky.Flaky", "sweep.retries=2")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("tried-*"))) == 2
    assert [run.info.status for run in runs(tmp_path)] == ["FINISHED", "FINISHED"]


@pytest.mark.slow
def test_fail_fast_ends_the_sweep_at_the_first_failure(catdog, tmp_path):
    (tmp_path / "troubled.py").write_text(SOURCE)
    (tmp_path / "trouble.json").write_text('{"0": "raise"}')
    done = catdog("-m", *SMALL, *MODEL, "+model.trouble=range(0,6)", "sweep.fail_fast=true", "sweep.jobs=1")
    assert done.returncode == 1
    assert [job["status"] for job in jobs_of(tmp_path)] == ["failed"] + ["stopped"] * 5
    assert "sweep.fail_fast" in jobs_of(tmp_path)[3]["reason"]
    assert len(runs(tmp_path)) == 2


@pytest.mark.slow
def test_a_job_is_lost_with_the_process_that_forked_it_and_the_next_has_another(tmp_path, begin):
    words = ["-m", *SMALL, "train.epochs=150", "train.seed=0,1", "sweep.jobs=1"]
    sweep = begin(*words, stdout=subprocess.PIPE)
    wait_until(lambda: list(tmp_path.glob("outputs/runs/*/*/0/progress.json")), sweep)
    (server,) = (each for each in psutil.Process(sweep.pid).children() if "forkserver" in str(each.cmdline()))
    (job,) = server.children()
    server.kill()
    job.wait(20)
    told, _ = sweep.communicate(timeout=200)
    assert sweep.returncode == 1
    first, second = jobs_of(tmp_path)
    assert first["status"] == "failed"
    assert "was killed" in first["reason"]
    assert first["reason"] in told
    assert second["status"] == "finished"
    assert [run.info.status for run in runs(tmp_path)].count("RUNNING") == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sweep_that_is_killed_goes_on_without_a_run_more_or_less(catdog, installed, tmp_path, begin, environment):
    temporary = tempfile.mkdtemp(prefix="t")  # the path of a socket must be short
    words = ["-m", *SMALL, "train.epochs=12", "model.layers=1,2", "train.seed=0,1"]
    undisturbed = catdog(*words, "paths.outputs=whole", timeout=300)
    assert undisturbed.returncode == 0, undisturbed.stderr
    for moment in ("outputs/runs/*/*/", BEGUN, f"outputs/runs/*/*/*/{RESULT}"):
        before = set(tmp_path.glob(moment))
        process = begin(*words, env={**environment, "TMPDIR": temporary})
        wait_until(lambda: set(tmp_path.glob(moment)) - before, process)  # noqa: B023
        family = psutil.Process(process.pid).children(recursive=True)
        if moment == BEGUN:  # the jobs end with the sweep
            process.kill()
            process.wait()
        kill_all(process)
        assert psutil.wait_procs(family, 30)[1] == []
    done = installed(*words, timeout=300, TMPDIR=temporary)
    assert done.returncode == 0, done.stdout + done.stderr
    Path(temporary).rmdir()  # nothing is left in it
    parent, *children = runs(tmp_path)
    assert len(children) == 4
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}

    def digests(outputs):
        from mlflow import MlflowClient

        store = MlflowClient(f"sqlite:///{tmp_path}/{outputs}/mlflow.db")
        found = store.search_runs([store.get_experiment_by_name("catdog").experiment_id])
        return sorted(run.data.tags["params_sha256"] for run in found if "params_sha256" in run.data.tags)

    assert digests("outputs") == digests("whole")
