"""Runs that fail or are ended from outside: what MLflow and the user are told."""

import signal
import subprocess

import pytest
from mlflow import MlflowClient

from catdog_exp.cli import main
from tests.cli.background import wait_until
from tests.cli.conftest import SMALL
from tests.cli.store import client, runs


def ended(tmp_path, begin, words, number, epochs=1):
    """A run that is sent this signal when so many epochs are done; its exit code and what it said."""
    process = begin(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: list(tmp_path.glob(f"outputs/unfinished/*/state-{epochs:06d}-*")), process)
    process.send_signal(number)
    printed, errors = process.communicate(timeout=120)
    return process.returncode, printed + errors


@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_run_that_is_ended_from_outside_is_killed_at_mlflow(tmp_path, begin, number, code, told):
    returned, errors = ended(tmp_path, begin, [*SMALL, "train.epochs=100000"], number)
    assert returned == code
    assert f"catdog: {told}" in errors
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    (run,) = runs(tmp_path)
    assert run.info.status == "KILLED"
    assert run.info.end_time is not None


@pytest.mark.timeout(600)
def test_the_same_command_after_a_kill_goes_on_in_the_same_run(catdog, tmp_path, begin):
    words = [*SMALL, "train.epochs=30"]
    expected = catdog(*words, "paths.outputs=whole")
    assert expected.returncode == 0
    whole = MlflowClient(f"sqlite:///{tmp_path}/whole/mlflow.db")
    for epochs, number in ((2, signal.SIGKILL), (5, signal.SIGINT)):
        assert ended(tmp_path, begin, words, number, epochs)[0] != 0
    done = catdog(*words)
    assert done.returncode == 0
    assert "going on with run" in done.stderr + done.stdout
    (run,) = runs(tmp_path)
    (undisturbed,) = whole.search_runs([whole.get_experiment_by_name("catdog").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags["params_sha256"] == undisturbed.data.tags["params_sha256"]
    assert {"time/train", "pack/images_per_second"} <= set(run.data.metrics)
    timed = ("images_per_second", "pack/images_per_second", "time/", "system/")
    for key in (key for key in undisturbed.data.metrics if not key.startswith(timed)):
        found, wanted = (
            [(entry.step, entry.value) for entry in store.get_metric_history(its.info.run_id, key)]
            for store, its in ((client(tmp_path), run), (whole, undisturbed))
        )
        assert found == wanted, key
    (folder,) = (tmp_path / "outputs" / "runs").glob("*/*")  # the attempts have one
    assert (folder / "run_earlier.log").is_file()
    assert (folder / "preview.png").is_file()
    assert not list((tmp_path / "outputs" / "unfinished").glob("*/"))


def test_resume_false_starts_anew(catdog, tmp_path, begin):
    words = [*SMALL, "train.epochs=20"]
    ended(tmp_path, begin, words, signal.SIGKILL, 2)
    done = catdog(*words, "train.resume=false")
    assert done.returncode == 0
    assert "going on" not in done.stderr + done.stdout
    assert sorted(run.info.status for run in runs(tmp_path)) == ["FINISHED", "RUNNING"]


def test_a_run_that_fails_is_failed_at_mlflow_with_the_reason(catdog, tmp_path):
    done = catdog(*SMALL, "train.lr=1e30")
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("catdog:"))
    assert "train.lr" in line
    assert "Traceback" not in done.stderr
    (run,) = runs(tmp_path)
    assert run.info.status == "FAILED"
    assert "train.lr" in run.data.tags["error"]
    assert "error.txt" in [file.path for file in client(tmp_path).list_artifacts(run.info.run_id)]


def test_an_error_in_a_class_of_one_s_own_is_told_as_that(catdog, tmp_path):
    (tmp_path / "own.py").write_text(
        "from dataclasses import dataclass\nfrom catdog_exp.networks.cnn import Cnn\n\n"
        "@dataclass(frozen=True)\nclass Own(Cnn):\n    def build(self, size, classes):\n        return 1 / 0\n"
    )
    done = catdog(*SMALL, "model._target_=own.Own")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        "own.py, line 7: ZeroDivisionError: division by zero; this is code of your own"
    )
    assert [run.info.status for run in runs(tmp_path)] == ["FAILED"]


def test_a_missing_shared_library_is_named_with_its_package(installed, tmp_path):
    # A package of this name before the real one, whose import fails as on a bare image.
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "cv2.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')\n"
    )
    done = installed(*SMALL, PYTHONPATH=str(shadow))
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == (
        "catdog: the shared library libGL.so.1 is missing: install it with `apt-get install libgl1`"
    )
    assert "Traceback" not in done.stderr


def test_another_pipe_that_breaks_is_an_error(monkeypatch, capfd):
    def broken(_words):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("catdog_exp.commands.doctor.main", broken)
    assert main(["doctor"]) != 0
    assert "BrokenPipeError: [Errno 32] Broken pipe" in capfd.readouterr().err


def test_output_into_a_closed_pipe_is_no_error(tmp_path, environment, command):
    done = subprocess.run(
        f"{command} --help | head -n 1; exit ${{PIPESTATUS[0]}}",
        cwd=tmp_path,
        env=environment,
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("catdog runs experiments")
    assert done.stderr == ""
