import json

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from catdog_exp.tracking.store import open_store
from catdog_exp.tracking.view import keep_view
from tests.tracking.starting import start_run


def columns(store, name="catdog"):
    tags = store.client.get_experiment(store.experiment_id).tags
    view = json.loads(tags[f"mlflow.sharedViewState.{name}"])
    return [column for column in view["selectedColumns"] if column.startswith("params.")], view


def test_the_view_has_a_column_for_each_setting_that_varies(ready):
    store = open_store(ready())
    keep_view(store, {"lr": 0.1, "model": "cnn"}, minimize=False)
    assert columns(store)[0] == []
    keep_view(store, {"lr": 0.2, "model": "cnn"}, minimize=False)
    assert columns(store)[0] == ["params.`lr`"]
    keep_view(store, {"lr": 0.2, "model": "resnet", "depth": 3}, minimize=False)
    shown, view = columns(store)
    assert shown == ["params.`lr`", "params.`model`"]
    assert view["orderByKey"] == "metrics.`objective`"
    assert not view["orderByAsc"]
    assert "metrics.`objective`" in view["selectedColumns"]


def test_a_sweep_has_a_view_of_its_own_jobs(ready):
    store = open_store(ready())
    keep_view(store, {}, minimize=True, sweep="abc")
    _, view = columns(store, "abc")
    assert view["searchFilter"] == "tags.`mlflow.parentRunId` = 'abc'"
    assert view["orderByAsc"]
    assert columns(store)[1]["searchFilter"] == ""


def test_the_view_of_a_sweep_shows_the_results_that_it_has_taken_over_too(ready):
    config = ready()
    with start_run(config, "a sweep", {"sweep": "x=1,2"}) as parent:
        with start_run(ready(parent_run=parent.run_id), "job", {}) as job:
            pass
        with start_run(config, "another's job", {}) as other:
            pass
        parent.share({}, minimize=False, jobs=True, also=[other.run_id])
        parent.settle()
        store = open_store(config)
        found = store.runs(columns(store, parent.run_id)[1]["searchFilter"])
        assert {run.info.run_id for run in found} == {job.run_id, other.run_id}
        parent.share({}, minimize=False, jobs=True, also=[f"{number:032x}" for number in range(200)])
    view = columns(store, parent.run_id)[1]
    assert view["searchFilter"] == f"tags.`mlflow.parentRunId` = '{parent.run_id}'"


def test_charts_open_on_the_objective_and_the_settings_that_vary(ready):
    store = open_store(ready())
    for augment, flip, layers in (("basic", "random", 2), ("none", "none", 3)):
        keep_view(store, {"augment": augment, "augment.flip": flip, "layers": layers}, minimize=False)
    shown, view = columns(store)
    assert shown == ["params.`augment`", "params.`layers`", "params.`augment.flip`"]  # what a group brings stands last
    first, second = view["compareRunCharts"][:2]
    assert (first["type"], first["metricKey"]) == ("BAR", "objective")
    assert second["selectedParams"] == ["augment", "layers", "augment.flip"]
    assert first["metricSectionId"] == second["metricSectionId"] == view["compareRunSections"][0]["uuid"]


def test_many_settings_and_a_tag_that_someone_edited_do_not_break_it(ready):
    store = open_store(ready())
    store.client.set_experiment_tag(store.experiment_id, "mlflow.catdog.seen", "nonsense")
    for value in (1, 2):
        keep_view(store, {f"a.rather.long.name.of.a.setting.{number}": value for number in range(200)}, minimize=False)
    assert 10 < len(columns(store)[0]) <= 25


def test_a_view_that_may_not_be_kept_costs_no_run(ready, monkeypatch, caplog):
    def refuse(*_: object) -> None:
        raise MlflowException("Permission denied", error_code=PERMISSION_DENIED)

    monkeypatch.setattr("mlflow.MlflowClient.set_experiment_tag", refuse)
    with start_run(ready(), "run", {}) as log:
        log.share({"lr": 0.1}, minimize=False)
    assert open_store(ready()).client.get_run(log.run_id).info.status == "FINISHED"
    assert "view is not kept up" in caplog.text
