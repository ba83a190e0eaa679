"""A store's history, copied to another."""

import shutil

import pytest

from catdog_exp.tracking.copying import copy_history, experiments
from catdog_exp.tracking.logged_model import run_model
from catdog_exp.tracking.store import open_store
from tests.tracking.starting import start_run


@pytest.fixture
def target(tracking, empty_store, tmp_path):
    (tmp_path / "target").mkdir()
    shutil.copy(empty_store, tmp_path / "target" / "mlflow.db")
    return tracking(uri=f"sqlite:///{tmp_path}/target/mlflow.db")


def contents(config):
    """Of each run, by its name, what people see of it."""
    store = open_store(config)
    found = {}
    for run in store.runs():
        points = {key: store.client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
        parent = run.data.tags.get("mlflow.parentRunId")
        found[run.info.run_name] = {
            "info": (run.info.status, run.info.start_time, run.info.end_time),
            "params": run.data.params,
            "metrics": {key: [(p.step, p.timestamp, p.value) for p in history] for key, history in points.items()},
            "tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
            "parent": parent and store.client.get_run(parent).info.run_name,
            "inputs": [(each.dataset.name, each.dataset.digest) for each in run.inputs.dataset_inputs],
            "files": sorted(file.path for file in store.client.list_artifacts(run.info.run_id, "checkpoints")),
            "models": [
                (model.name, model.params, sorted(metric.key for metric in model.metrics or []))
                for model in store.client.search_logged_models(
                    [store.experiment_id], f"source_run_id = '{run.info.run_id}'"
                )
            ],
        }
    return found


def with_model(config, run_id, folder):
    from mlflow.entities import LoggedModelOutput, Metric

    store = open_store(config)
    model = store.client.create_logged_model(store.experiment_id, "network", run_id, params={"layers": "2"})
    store.client.log_model_artifacts(model.model_id, str(folder))
    store.client.finalize_logged_model(model.model_id, "READY")
    store.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 3)])
    store.client.log_batch(run_id, [Metric("val/loss", 0.25, 1000, 3, model_id=model.model_id)], synchronous=True)


def test_all_of_it_is_there_once_however_often_it_is_copied(ready, target, tmp_path):
    config = ready()
    weights = tmp_path / "files" / "best.safetensors"
    weights.parent.mkdir()
    weights.write_text("weights")
    with start_run(config, "sweep", {"sweep": "a=1,2"}) as parent:
        with start_run(ready(parent_run=parent.run_id), "job", {"fingerprint": "abc"}) as job:
            job.params({f"p{number}": number for number in range(120)})
            for step in range(5):
                job.metrics({"val/loss": 1 / (step + 1), "lr": 0.1}, step)
            job.artifact(weights, "checkpoints")
            job.dataset("cats", "abc", "/x", "training", {})
        parent.share({}, False, jobs=True)
    with_model(config, job.run_id, weights.parent)
    with pytest.raises(KeyboardInterrupt), start_run(config, "killed", {}):
        raise KeyboardInterrupt
    with start_run(config, "under way", {}):
        how = {each.name: each.how for each in copy_history(config, target.uri)}
    assert how.pop("under way") == "left out: it is under way"
    assert how == dict.fromkeys(("sweep", "job", "killed"), "copied")
    wanted = contents(config)
    del wanted["under way"]
    assert wanted["job"]["parent"] == "sweep"
    assert wanted["job"]["models"] == [("network", {"layers": "2"}, ["val/loss"])]
    assert contents(target) == wanted
    assert {each.how for each in copy_history(config, target.uri)} == {"there already", "copied"}
    assert {each.how for each in copy_history(config, target.uri)} == {"there already"}
    found = contents(target)
    assert found.pop("under way")["info"][0] == "FINISHED"
    assert found == wanted
    copied = open_store(target)
    (sweep,) = copied.runs("attributes.run_name = 'sweep'")
    assert f"mlflow.sharedViewState.{sweep.info.run_id}" in copied.client.get_experiment(copied.experiment_id).tags


def test_names_in_the_registry_are_copied_and_an_alias_that_is_taken_stays(ready, target, tmp_path):
    config = ready()
    weights = tmp_path / "files" / "MLmodel"
    weights.parent.mkdir()
    weights.write_text("weights")
    source = open_store(config)
    for name in ("first", "second"):
        with start_run(config, name, {}) as log:
            pass
        with_model(config, log.run_id, weights.parent)
        model = run_model(source, log.run_id)
        if name == "first":
            source.client.create_registered_model("pets")
        version = source.client.create_model_version("pets", model.artifact_location, log.run_id).version
        source.client.set_registered_model_alias("pets", name, version)
    list(copy_history(config, target.uri))
    copied = open_store(target)
    runs = {run.info.run_id: run.info.run_name for run in copied.runs()}

    def aliases():
        found = copied.client.get_registered_model("pets").aliases
        return {
            alias: runs[copied.client.get_model_version("pets", version).run_id] for alias, version in found.items()
        }

    assert aliases() == {"first": "first", "second": "second"}
    second = copied.client.get_model_version_by_alias("pets", "second").version
    copied.client.set_registered_model_alias("pets", "first", second)  # as people there have chosen
    list(copy_history(config, target.uri))
    assert aliases() == {"first": "second", "second": "second"}
    assert len(copied.client.search_model_versions("name = 'pets'")) == 2


def test_a_copy_that_was_cut_off_goes_on(ready, target, monkeypatch):
    config = ready()
    for name in ("first", "second"):
        with start_run(config, name, {}) as log:
            log.metrics({"val/loss": 0.5}, 1)
    copying = copy_history(config, target.uri)
    next(copying)
    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr("mlflow.MlflowClient.set_terminated", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        next(copying)
    assert [each.how for each in copy_history(config, target.uri)] == ["there already", "copied"]
    assert contents(target) == contents(config)


def test_the_experiments_with_runs_are_those_to_copy(ready):
    open_store(ready(experiment="empty"))
    with start_run(ready(experiment="dogs"), "run", {}):
        pass
    assert experiments(ready(experiment="dogs")) == ["dogs"]
