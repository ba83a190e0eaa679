"""The runs of an experiment, and the end of those that died."""

import time

from catdog_exp.tracking.heartbeat import HEARTBEAT, HOST, PID, PID_SPACE, presence_tags, resumption_tags
from catdog_exp.tracking.run_list import close_stale
from catdog_exp.tracking.store import Store, open_store


def test_only_those_are_closed_that_nobody_works_on(ready):
    store = open_store(ready())
    here = presence_tags()
    runs = {
        "this process": here,
        "its number, in a container": {**here, PID_SPACE: "other", HEARTBEAT: "1000.0"},
        "in a container, alive": {**here, PID_SPACE: "other", PID: "1", HEARTBEAT: f"{time.time():.3f}"},
        "on another machine, dead": {**here, PID_SPACE: "other", HOST: "other", HEARTBEAT: "1000.0"},
        "of another program": {},
    }
    made = {name: store.client.create_run(store.experiment_id, tags=tags).info.run_id for name, tags in runs.items()}
    closed = {run.run_id for run in close_stale(store)}
    assert closed == {made["its number, in a container"], made["on another machine, dead"]}
    for run_id in made.values():
        assert store.client.get_run(run_id).info.status == ("KILLED" if run_id in closed else "RUNNING")
    assert close_stale(store) == []


def test_a_run_that_another_process_has_just_gone_on_with_is_left(ready, monkeypatch):
    store = open_store(ready())
    tags = {**presence_tags(), PID_SPACE: "other", HEARTBEAT: "1000.0"}
    run_id = store.client.create_run(store.experiment_id, tags=tags).info.run_id
    listed = list(store.runs())
    for key, value in resumption_tags(listed[0], presence_tags()).items():
        store.client.set_tag(run_id, key, value)
    monkeypatch.setattr(Store, "runs", lambda *_: iter(listed))
    assert close_stale(store) == []
    assert store.client.get_run(run_id).info.status == "RUNNING"
