"""The password of a tracking server: runs log in with it, and none of the files that they leave holds it."""

import pytest

from catdog_exp.tracking.preparing import prepare_mlflow
from tests.cli.conftest import SMALL
from tests.cli.servers import Door, mlflow_server

pytestmark = [pytest.mark.slow, pytest.mark.service]
USER, PASSWORD = "user", "geheim-4711"


@pytest.fixture(scope="module")
def mlflow_port(tmp_path_factory, environment):
    """Of an MLflow server that lets everybody in."""
    with mlflow_server(tmp_path_factory.mktemp("server"), environment) as port:
        yield port


@pytest.fixture(scope="module")
def guarded(mlflow_port):
    """The address of a door before that server, which wants the user's name and the password."""
    door = Door(mlflow_port, f"{USER}:{PASSWORD}")
    door.open()
    yield door.address
    door.close()


def statuses(port, experiment):
    """Of all runs at the server."""
    prepare_mlflow()
    from mlflow import MlflowClient

    store = MlflowClient(f"http://127.0.0.1:{port}")
    return [run.info.status for run in store.search_runs([store.get_experiment_by_name(experiment).experiment_id])]


@pytest.mark.timeout(500)
@pytest.mark.parametrize(
    ("name", "words", "count"),
    [
        ("run", [], 1),
        ("grid", ["-m", "train.seed=0,1"], 3),
        ("basic", ["-m", "train.seed=0,1", "hydra/launcher=basic"], 3),
        ("submitit", ["-m", "train.seed=0,1", "hydra/launcher=local_processes"], 3),
        (
            "search",
            ["sweep=optuna", "hydra.sweeper.n_trials=2", "model.layers=1,2", "augment=none", "model.width=4"],
            3,
        ),
    ],
)
def test_no_file_of_a_run_or_sweep_holds_the_password(catdog, tmp_path, mlflow_port, guarded, name, words, count):
    local = tmp_path / "conf" / "local"  # where people keep it
    local.mkdir(parents=True)
    uri = f"http://{USER}:{PASSWORD}@{guarded}"
    (local / "default.yaml").write_text(f"# @package _global_\ntracking:\n  experiment: {name}\n  uri: {uri}\n")
    given = [f"tracking.uri={uri}"] if name in ("run", "grid") else []
    done = catdog(*words, *SMALL, "train.epochs=1", *given, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    holding = [
        file for file in tmp_path.glob("outputs/**/*") if file.is_file() and PASSWORD.encode() in file.read_bytes()
    ]
    assert holding == []
    assert statuses(mlflow_port, name) == ["FINISHED"] * count
