"""The runs of an experiment, and the end of those that died."""

import csv
import io
import json
import time
from datetime import datetime

import pytest

from catdog_exp.cli import main
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


@pytest.fixture
def listed(ready, capsys):
    """A store with a sweep of four jobs among other runs; lists by words, gives exit code, output and errors."""
    store = open_store(ready())
    made = {}

    def add(name, started, value=None, params=(), **tags):
        run = store.client.create_run(store.experiment_id, start_time=started * 1000, tags=tags, run_name=name)
        made[name] = run.info.run_id
        for key, setting in params:
            store.client.log_param(run.info.run_id, key, setting)
        if value is not None:
            store.client.log_metric(run.info.run_id, "objective", value)
            store.client.log_metric(run.info.run_id, "best/loss", 1 - value)
        store.client.set_terminated(run.info.run_id, "FINISHED", started * 1000 + 90_000)

    add("single", 1_000, 0.75, [("model", "cnn")], pack="abc", objective="val/accuracy")
    add("old sweep", 2_000, sweep="model.layers=1,2")
    add("layers", 3_000, sweep="model.layers=2,3,9,10", objective="val/accuracy")
    for place, (layers, value) in enumerate([(2, 0.5), (3, 0.9), (9, None), (10, 0.875)]):
        params = [("model", "resnet"), ("model.layers", layers)]
        add(f"layers={layers}", 3_001 + place, value, params, **{"mlflow.parentRunId": made["layers"]})

    def run(*words):
        code = main(["runs", f"tracking.uri={store.uri}", "tracking.experiment=cats", *words])
        return code, *capsys.readouterr()

    run.made = made
    return run


def names(outcome):
    """Of the runs in a list as JSON, in its order."""
    code, out, err = outcome
    assert code == 0, err
    return [run["name"] for run in json.loads(out)]


def test_runs_are_chosen_and_sorted_by_anything_that_they_have(listed):
    jobs = ["layers=10", "layers=9", "layers=3", "layers=2"]
    everything = [*jobs, "layers: model.layers=2,3,9,10", "old sweep: model.layers=1,2", "single"]
    assert names(listed("--json")) == everything
    assert names(listed("--json", "--ascending", "--limit", "1")) == ["single"]
    for word in ("last", "layers", listed.made["layers"][:8]):
        assert names(listed("--json", "--sweep", word)) == jobs
    good = "metrics.objective > 0.6 and params.model = 'resnet'"
    assert names(listed("--json", "--filter", good)) == ["layers=10", "layers=3"]
    assert names(listed("--json", "--filter", good, "--sweep", "old sweep")) == []
    by_objective = ["layers=3", "layers=10", "single", "layers=2"]
    assert names(listed("--json", "--sort", "objective"))[:4] == by_objective
    assert names(listed("--json", "--sort", "best/loss", "--ascending", "--limit", "4")) == by_objective
    # A setting's numbers are no texts: 10 is more than 9.
    assert names(listed("--json", "--sort", "model.layers"))[:5] == [*jobs, "layers: model.layers=2,3,9,10"]
    assert names(listed("--json", "--sort", "pack", "--limit", "1")) == ["single"]


def test_the_list_goes_to_other_programs_whole(listed):
    code, out, err = listed("--json", "--limit", "1")
    assert (code, err) == (0, "there are more: --limit 10\n")
    (run,) = json.loads(out)
    assert datetime.fromisoformat(run.pop("started")).timestamp() == 3_004
    job, sweep = listed.made["layers=10"], listed.made["layers"]
    assert run == {
        "run": job,
        "status": "finished",
        "objective": 0.875,
        "took": 90.0,
        "sweep": sweep,
        "name": "layers=10",
    }
    code, out, err = listed("--csv", "--columns", "name, model.layers,objective,best/los", "--sweep", "layers")
    assert (code, err) == (0, "best/los: no run here has such a metric, setting or tag; did you mean best/loss?\n")
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[:3] == [
        ["run", "name", "model.layers", "objective", "best/los"],
        [job, "layers=10", "10", "0.875", ""],
        [listed.made["layers=9"], "layers=9", "9", "", ""],
    ]
    code, out, _ = listed("--columns", "model.layers,best/loss", "--limit", "2")
    assert out.splitlines() == [
        "run       model.layers  best/loss",
        f"{job[:8]}            10      0.125",
        f"{listed.made['layers=9'][:8]}             9          -",
    ]
    code, out, err = listed("--json", "--experiment", "others")
    assert (code, out) == (0, "[]\n")
    assert err.startswith("no runs yet in the experiment others of sqlite:///")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--filter", "objective > 0.6"], "Invalid"),
        (["--filter", "metrics.objective >> 0.6"], "conditions are written as"),
        (
            ["--sort", "model.layer"],
            "model.layer: no run here has such a metric, setting or tag; did you mean model.layers",
        ),
        (["--sweep", "single"], "(single) is no sweep"),
        (["--sweep", "nosuch"], "run nosuch: there is none in"),
        (["--json", "--csv"], "not allowed with"),
        (["--stale", "--json"], "--stale closes all"),
    ],
)
def test_what_cannot_be_listed_is_told_in_one_line(listed, words, told):
    code, out, err = listed(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
