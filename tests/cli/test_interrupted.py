"""Runs that fail or are ended from outside: what MLflow and the user are told."""

import signal
import subprocess
import time

import pytest

from tests.cli.conftest import SMALL
from tests.cli.store import client, runs


@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_run_that_is_ended_from_outside_is_killed_at_mlflow(tmp_path, environment, command, number, code, told):
    words = [*SMALL, "train.epochs=100000"]
    process = subprocess.Popen(
        [command, *words],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    last = time.monotonic() + 120
    while not list(tmp_path.glob("outputs/runs/*/*/checkpoints/last.safetensors")):
        assert time.monotonic() < last
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"catdog: {told}" in errors
    assert "Traceback" not in errors
    (run,) = runs(tmp_path)
    assert run.info.status == "KILLED"
    assert run.info.end_time is not None


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


def test_an_error_of_ours_shows_its_traceback_and_ends_with_1(catdog, tmp_path):
    (tmp_path / "own.py").write_text(
        "from dataclasses import dataclass\nfrom catdog_exp.networks.cnn import Cnn\n\n"
        "@dataclass(frozen=True)\nclass Own(Cnn):\n    def build(self, size, classes):\n        return 1 / 0\n"
    )
    done = catdog(*SMALL, "model._target_=own.Own")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert [run.info.status for run in runs(tmp_path)] == ["FAILED"]


def test_a_missing_shared_library_is_named_with_its_package(catdog, tmp_path):
    # A package of this name before the real one, whose import fails as on a bare image.
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "cv2.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')\n"
    )
    done = catdog(*SMALL, PYTHONPATH=str(shadow))
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == (
        "catdog: the shared library libGL.so.1 is missing: install it with `apt-get install libgl1`"
    )
    assert "Traceback" not in done.stderr


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
