"""Runs that stand under another one, as a sweep's do."""

from catdog_exp.tracking.children import finish_children
from catdog_exp.tracking.heartbeat import presence_tags, resumption_tags
from catdog_exp.tracking.store import Store, open_store
from tests.tracking.reading import logged
from tests.tracking.starting import start_run


def test_a_run_stands_under_a_parent_that_another_process_opened(ready):
    config = ready()
    with (
        start_run(config, "sweep", {}) as parent,
        start_run(ready(parent_run=parent.run_id), "job", {}) as child,
    ):
        pass
    assert logged(config, child.run_id).data.tags["mlflow.parentRunId"] == parent.run_id


def test_only_the_open_children_of_a_sweep_are_ended(ready):
    config = ready()
    store = open_store(config)
    with start_run(config, "sweep", {}) as parent:
        with start_run(ready(parent_run=parent.run_id), "done", {}) as done:
            pass
        tags = {"mlflow.parentRunId": parent.run_id}
        left = [store.client.create_run(store.experiment_id, tags=tags).info.run_id for _ in range(2)]
        foreign = store.client.create_run(store.experiment_id).info.run_id
        finish_children(store, parent.run_id)
        assert [logged(config, run).info.status for run in left] == ["KILLED", "KILLED"]
        assert logged(config, done.run_id).info.status == "FINISHED"
        assert logged(config, foreign).info.status == "RUNNING"
        assert logged(config, parent.run_id).info.status == "RUNNING"


def test_a_child_that_another_process_has_gone_on_with_is_not_ended(ready, monkeypatch):
    config = ready()
    store = open_store(config)
    with start_run(config, "sweep", {}) as parent:
        tags = {"mlflow.parentRunId": parent.run_id}
        taken, over = (store.client.create_run(store.experiment_id, tags=tags).info.run_id for _ in range(2))
        listed = [store.client.get_run(run) for run in (taken, over)]
        for key, value in resumption_tags(listed[0], presence_tags()).items():
            store.client.set_tag(taken, key, value)
        store.client.set_terminated(over, "FINISHED")
        monkeypatch.setattr(Store, "runs", lambda *_: iter(listed))
        finish_children(store, parent.run_id)
        assert logged(config, taken).info.status == "RUNNING"
        assert logged(config, over).info.status == "FINISHED"
