"""A tracking server that goes away while runs train: they go on, and it is given all of them once."""

import os
import signal
import subprocess
import time

import pytest

from catdog_exp.tracking.preparing import prepare_mlflow
from tests.cli.background import wait_until
from tests.cli.conftest import SMALL
from tests.cli.servers import Door, mlflow_server

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.timeout(500)]
EPOCHS = 150
WORDS = [*SMALL, f"train.epochs={EPOCHS}"]


@pytest.fixture(scope="module")
def mlflow_port(tmp_path_factory, environment):
    with mlflow_server(tmp_path_factory.mktemp("server"), environment) as port:
        yield port


@pytest.fixture
def door(mlflow_port):
    door = Door(mlflow_port)
    door.open()
    yield door
    door.close()


def the_run(door, experiment):
    """The one run there, once whole: each epoch of it, once."""
    prepare_mlflow()
    from mlflow import MlflowClient

    client = MlflowClient(f"http://{door.address}")
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    assert run.info.status == "FINISHED"
    for key in ("train/loss", "val/loss", "lr"):
        points = client.get_metric_history(run.info.run_id, key)
        assert [point.step for point in points] == list(range(1, EPOCHS + 1)), key
    assert "best.safetensors" in [file.path[12:] for file in client.list_artifacts(run.info.run_id, "checkpoints")]
    return run


def trains(tmp_path, process):
    """Wait until it has done some epochs."""
    wait_until(lambda: list(tmp_path.glob("outputs/unfinished/*/state-*")), process)


def test_a_run_that_is_killed_meanwhile_and_repeated_is_whole(installed, begin, door, tmp_path):
    words = [*WORDS, f"tracking.uri=http://{door.address}", "tracking.experiment=killed"]
    run = begin(*words, start_new_session=True)
    trains(tmp_path, run)
    door.close()
    time.sleep(1)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    door.open()
    done = installed(*words, timeout=400)
    assert done.returncode == 0, done.stderr
    assert "going on with run" in done.stderr + done.stdout
    the_run(door, "killed")
    assert not list(tmp_path.glob("outputs/unsent/*.jsonl"))


def test_a_run_whose_server_never_comes_back_ends_well_and_is_sent_later(catdog, begin, door, tmp_path):
    words = [*WORDS, f"tracking.uri=http://{door.address}", "tracking.experiment=left"]
    run = begin(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    trains(tmp_path, run)
    door.close()
    printed, errors = run.communicate(timeout=300)
    door.open()
    assert run.returncode == 0, errors
    (journal,) = tmp_path.glob("outputs/unsent/*.jsonl")
    assert f"it is in {journal}; `catdog sync` sends it" in printed + errors
    done = catdog("sync")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"run {the_run(door, 'left').info.run_id[:8]} (")
    assert list(tmp_path.glob("outputs/unsent/*.jsonl")) == []
