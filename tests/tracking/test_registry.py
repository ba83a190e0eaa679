"""Networks in the model registry, and which of two is the champion."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.served_model import save_model
from catdog_exp.networks.cnn import Cnn
from catdog_exp.tracking import run
from catdog_exp.tracking.registry import model_files, promote, register
from catdog_exp.tracking.selecting import select
from catdog_exp.tracking.store import open_store
from tests.checkpoints import save_drawn
from tests.cli.servers import mlflow_server
from tests.tracking.starting import start_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """An MLflow model that works."""
    place = tmp_path_factory.mktemp("model")
    classifier = Classifier.load(save_drawn(place, Cnn(1, 4, [], False, 0), 8))
    save_model(place / "model", classifier, np.zeros((1, 8, 8, 3), np.uint8), "id", "pictures", {})
    return place / "model"


def a_run(
    config, model: Path | None, value: float, dataset: str = "d1", objective: str = "val/accuracy", start=start_run
) -> str:
    with start(config, "run", {"objective": objective, "dataset": dataset}) as log:
        log.figures({"objective": value})
        if model is not None:
            log.artifact(model / "MLmodel")
            log.model(model, "cnn", step=1)
    assert log.run_id is not None
    return log.run_id


def test_a_better_network_of_the_same_pictures_becomes_the_champion(ready, folder):
    config = ready()
    first, worse, better, other = (
        a_run(config, folder, value, dataset)
        for value, dataset in ((0.8, "d1"), (0.7, "d1"), (0.9, "d1"), (0.99, "d2"))
    )
    store = open_store(config)

    def champion() -> str:
        return str(select(store, "cats@champion", "val/accuracy", False).info.run_id)

    assert promote(store, first, "cats", False).endswith("is models:/cats@champion now, version 1")
    assert promote(store, first, "cats", False).endswith("is models:/cats@champion already")
    told = promote(store, worse, "cats", False)
    assert told.startswith(f"not promoted: models:/cats@champion, run {first[:8]} (val/accuracy 0.8000), is as good")
    assert champion() == first
    told = promote(store, better, "cats", False)
    assert told.endswith(f"version 2, in place of run {first[:8]} (val/accuracy 0.8000)")
    assert champion() == better
    told = promote(store, other, "cats", False)
    assert "was trained on other pictures; `catdog register" in told
    loss = a_run(config, folder, 0.1, objective="val/loss")
    assert "has another objective" in promote(store, loss, "cats", True)
    assert champion() == better
    store.client.delete_run(better)
    assert promote(store, worse, "cats", False).startswith("promoted: ")  # whose run is gone, that no longer counts


def test_less_is_better_where_the_objective_is_a_loss(ready, folder):
    config = ready()
    runs = [a_run(config, folder, value, objective="val/loss") for value in (0.5, 0.6, 0.4)]
    told = [promote(open_store(config), run_id, "cats", True) for run_id in runs]
    assert [line.partition(":")[0] for line in told] == ["promoted", "not promoted", "promoted"]


def test_a_network_is_registered_once_and_loads_by_its_alias_where_the_store_was_moved(
    ready, tracking, folder, tmp_path
):
    config = ready()
    run_id = a_run(config, folder, 0.8)
    store = open_store(config)
    assert [register(store, run_id, "mine", alias) for alias in ("champion", "second")] == ["1", "1"]
    assert register(store, run_id, "somebody's", "champion") == "1"
    shutil.move(tmp_path / "store", tmp_path / "moved")
    moved = open_store(tracking(uri=f"sqlite:///{tmp_path}/moved/mlflow.db"))
    source = moved.client.get_model_version_by_alias("mine", "second").source
    assert (Path(source) / "MLmodel").is_file()
    assert Path(source).is_relative_to(tmp_path / "moved")
    with model_files(moved, run_id) as found:
        assert found == Path(source)


def test_a_run_without_a_model_and_a_model_that_does_not_work_are_told(ready, folder, tmp_path):
    config = ready()
    without = a_run(config, None, 0.8)
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "artifacts" / "network.onnx").write_text("no network")
    of_broken = a_run(config, broken, 0.8)
    store = open_store(config)
    with pytest.raises(UserError, match=f"run {without[:8]}: it has no model; .*catdog rerun"):
        register(store, without, "cats", "champion")
    with pytest.raises(UserError, match=f"run {of_broken[:8]}: its model does not work here") as raised:
        register(store, of_broken, "cats", "champion")
    assert "\n" not in str(raised.value)
    assert not store.client.search_registered_models()


@pytest.mark.service
def test_a_model_at_a_server_is_fetched_checked_and_promoted(tracking, folder, tmp_path):
    def start(config, *given):
        return run.start_run(config, tmp_path, *given)

    (tmp_path / "server").mkdir()
    with mlflow_server(tmp_path / "server", os.environ) as port:
        config = tracking(uri=f"http://127.0.0.1:{port}")
        run_id = a_run(config, folder, 0.8, start=start)
        store = open_store(config)
        assert promote(store, run_id, "cats", False).startswith("promoted: ")
        with model_files(store, run_id) as found:
            network = Path("artifacts") / "network.onnx"
            assert (found / network).read_bytes() == (folder / network).read_bytes()
        assert not found.exists()
        assert select(store, "cats@champion", "val/accuracy", False).info.run_id == run_id
