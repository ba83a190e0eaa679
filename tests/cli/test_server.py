"""A shared server, as a group has one: runs, sweeps and networks of people who log in there."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.cli.forked import forked
from tests.servers import mlflow_server, needs_postgresql

pytestmark = [pytest.mark.service, pytest.mark.slow, needs_postgresql]

SMALL = ["data.resize=16", "data.split_ratio=0.8", "train.epochs=2", "model.width=4"]
NETWORKS = ["cnn", "resnet", "fastnet"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mlflow_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of two classes."""
    folder, draws = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for place, name in enumerate(("cat", "dog")):
        (folder / name).mkdir()
        for number in range(40):
            noise = draws.integers(0, 128, (20, 20, 3)) + 100 * place
            Image.fromarray(noise.astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.timeout(900)
def test_a_sweep_from_several_processes_is_found_repeated_and_used_elsewhere(server, pictures, tmp_path, catdog):
    here = {**server.variables, "MLFLOW_EXPERIMENT_NAME": "shared"}

    def told(*words, code=0, **variables):
        done = forked(words, elsewhere, **{**here, **variables})
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    data = ["data=folder", f"data.root={pictures}"]
    words = ["tracking=server", *data, *SMALL, "sweep.jobs=2"]
    swept = catdog("-m", f"model={','.join(NETWORKS)}", *words, cwd=home, **here)
    assert swept.returncode == 0, swept.stdout + swept.stderr
    assert f"MLflow: {server.uri}/#/experiments/" in swept.stdout

    # From here on there are the server and a copy of the pictures alone.
    shutil.rmtree(home)
    moved = shutil.copytree(pictures, tmp_path / "moved")
    jobs = json.loads(told("runs", "--sweep", "last", "--json", "--columns", "model,status,best/accuracy"))
    assert sorted((job["model"], job["status"]) for job in jobs) == sorted((name, "finished") for name in NETWORKS)
    for job in jobs:
        again = catdog("rerun", job["run"], "--verify", f"data.root={moved}", cwd=elsewhere, **here)
        assert again.returncode == 0, again.stdout + again.stderr
        assert again.stdout.splitlines()[-1].startswith("the same: parameters (sha256 ")

    sweep = json.loads(told("runs", "--json", "--filter", "tags.sweep LIKE '%'"))[0]["run"]
    shown = told("show", f"{sweep}:best")
    assert f"MLflow: {server.uri}/#/experiments/" in shown
    assert "checkpoints/best.safetensors" in shown.splitlines()
    best = shown.split()[1]
    _register(server, best)
    for word in (f"{sweep}:best", "catdog@champion"):
        assert (
            f"network of run {best[:8]}"
            in forked(["predict", str(moved / "cat" / "0.png"), "--run", word], elsewhere, **here).stderr
        )
    assert not (elsewhere / "mlruns").exists()

    told("runs", MLFLOW_TRACKING_PASSWORD="wrong", code=2)
    assert "it does not let you in (401 or 403)" in told("runs", MLFLOW_TRACKING_PASSWORD="wrong", code=2)


def _register(server, run_id):
    """The run's network as a version of a registered model, with an alias."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.variables.items():
            patch.setenv(name, value)
        from catdog_exp.tracking.preparing import prepare_mlflow

        prepare_mlflow()
        from mlflow import MlflowClient

        client = MlflowClient(server.uri)
        client.create_registered_model("catdog")
        version = client.create_model_version("catdog", f"runs:/{run_id}/checkpoints", run_id)
        client.set_registered_model_alias("catdog", "champion", version.version)
