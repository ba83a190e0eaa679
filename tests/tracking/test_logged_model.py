"""A run's network among MLflow's logged models."""

import shutil
from pathlib import Path

from catdog_exp.tracking.store import existing_store, open_store
from tests.tracking.reading import logged
from tests.tracking.starting import start_run


def a_model(folder: Path) -> Path:
    (folder / "artifacts").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    (folder / "artifacts" / "network.onnx").write_text("weights")
    return folder


def log_run(config, folder: Path, accuracy: float, resume: str | None = None) -> str:
    with start_run(config, "run", {"params_sha256": "abc"}, resume=resume) as log:
        log.params({"model.layers": 3})
        log.artifact(folder / "MLmodel")
        log.metrics({"val/loss": 0.4}, step=1)
        for context in ("training", "validation", "testing"):
            log.dataset("pics", "d1", "/pics", context, {"cat": 1})
        log.figures({"best/accuracy": accuracy, "best/loss": 0.2, "test/accuracy": 0.8, "objective": 0.9})
        log.model(folder, "cnn", step=1)
    assert log.run_id is not None
    return log.run_id


def models(config):
    store = open_store(config)
    return store.client.search_logged_models([store.experiment_id])


def test_a_run_has_one_model_with_its_figures_tied_to_the_pictures_that_they_are_of(ready, tmp_path):
    config, folder = ready(), a_model(tmp_path / "model")
    run_id = log_run(config, folder, 0.9)
    (folder / "MLmodel").write_text("flavors: {python_function: {}}")
    assert log_run(config, folder, 0.95, resume=run_id) == run_id
    (model,) = models(config)
    assert (model.name, model.source_run_id, str(model.status)) == ("cnn", run_id, "READY")
    assert model.params == {"model.layers": "3"}
    newest = {metric.key: metric for metric in sorted(model.metrics, key=lambda metric: metric.timestamp)}
    told = {key: (metric.value, metric.dataset_name, metric.dataset_digest) for key, metric in newest.items()}
    assert told == {
        "objective": (0.9, "pics/validation", "d1"),
        "best/accuracy": (0.95, "pics/validation", "d1"),
        "best/loss": (0.2, "pics/validation", "d1"),
        "test/accuracy": (0.8, "pics/testing", "d1"),
    }
    run = logged(config, run_id)
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    history = open_store(config).client.get_metric_history(run_id, "best/loss")
    assert [(point.value, point.step) for point in history] == [(0.2, 0)]
    there = Path(model.artifact_location)
    assert (there / "MLmodel").read_text() == (folder / "MLmodel").read_text()
    assert (there / "artifacts" / "network.onnx").read_text() == "weights"


def test_a_model_is_found_in_a_store_that_was_moved(ready, tracking, tmp_path):
    run_id = log_run(ready(), a_model(tmp_path / "model"), 0.9)
    shutil.move(tmp_path / "store", tmp_path / "moved")
    store = existing_store(tracking(uri=f"sqlite:///{tmp_path}/moved/mlflow.db"))
    (model,) = store.client.search_logged_models([store.experiment_id], filter_string=f"source_run_id = '{run_id}'")
    assert (Path(model.artifact_location) / "MLmodel").is_file()
    assert Path(model.artifact_location).is_relative_to(tmp_path / "moved")
