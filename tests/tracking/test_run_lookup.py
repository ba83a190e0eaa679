"""Runs that are there already, found by what they compute."""

import os
import socket
import subprocess
import sys
import time

import pytest

from catdog_exp.tracking.done_stages import stages_tag
from catdog_exp.tracking.heartbeat import HEARTBEAT, HOST, PID, PROCESS_STARTED, presence_tags
from catdog_exp.tracking.run_lookup import (
    RESUMING,
    SWEEP_FINGERPRINT,
    earlier_runs,
    fail_run,
    find_parent,
    run_of_process,
)
from catdog_exp.tracking.store import open_store
from tests.tracking.starting import start_run

DEAD = {HOST: "elsewhere", PID: "7", PROCESS_STARTED: "1.0", HEARTBEAT: "2.0"}


def made(config, fingerprint="abc", status="RUNNING", objective=None, **tags):
    """The id of a run as another process may have left it."""
    store = open_store(config)
    run = store.client.create_run(store.experiment_id, tags={"fingerprint": fingerprint, **tags})
    if objective is not None:
        store.client.log_metric(run.info.run_id, "objective", objective)
    if status != "RUNNING":
        store.client.set_terminated(run.info.run_id, status)
    time.sleep(0.002)  # MLflow tells the newest by milliseconds
    return run.info.run_id


def test_a_finished_run_matters_most_then_a_running_one_then_the_newest_that_has_not_finished(ready):
    config = ready()

    def now():
        found = earlier_runs(config, ["abc"])["abc"]
        return found.run_id, found.state

    assert earlier_runs(config, ["abc"]) == {}
    made(config, status="KILLED")
    newest = made(config, status="FAILED")
    assert now() == (newest, "unfinished")
    stale = made(config, **DEAD)
    assert now() == (stale, "unfinished")
    lives = {**DEAD, HEARTBEAT: str(time.time())}
    alive = made(config, **lives)
    made(config, status="KILLED", pruned="3", objective=0.6)
    assert now() == (alive, "running")
    made(config, status="FINISHED", objective=0.7)
    finished = made(config, status="FINISHED", objective=0.8)
    made(config, **lives)
    assert now() == (finished, "finished")


def test_a_run_that_finished_without_a_result_is_no_result(ready):
    config = ready()
    made(config, status="FINISHED")
    made(config, status="FINISHED", objective=float("nan"))
    assert earlier_runs(config, ["abc"]) == {}


def test_a_run_that_died_after_its_training_has_its_result(ready):
    config = ready()
    stages = stages_tag({"train": "abc", "pack": "p1"})
    run = made(config, status="KILLED", objective=0.7, **stages)
    found = earlier_runs(config, ["abc"])["abc"]
    assert (found.run_id, found.state, found.closed) == (run, "finished", False)
    assert found.done == {"train": "abc", "pack": "p1"}
    lives = {**DEAD, HEARTBEAT: str(time.time())}
    evaluated = made(config, objective=0.7, **stages, **lives)
    assert earlier_runs(config, ["abc"], RESUMING)["abc"].run_id == evaluated


def test_what_is_known_of_a_run_is_told(ready):
    config = ready()
    with start_run(config, "run", {"fingerprint": "abc"}) as log:
        log.metrics({"objective": 0.9}, step=3)
        log.settle()
        running = earlier_runs(config, ["abc"])["abc"]
        assert (running.state, running.objective) == ("running", 0.9)
    found = earlier_runs(config, ["abc"])["abc"]
    assert found.state == "finished"
    assert (found.run_id, found.link, found.objective) == (log.run_id, log.link, 0.9)
    assert (found.host, found.pid) == (socket.gethostname(), os.getpid())
    assert 0 < found.seconds < 60


def test_fifty_jobs_are_one_question(ready, monkeypatch):
    config = ready()
    ids = {f"{number:032x}": made(config, f"{number:032x}", "FINISHED", number) for number in range(50)}
    made(config, "other", "FINISHED", 1.0)
    from mlflow import MlflowClient

    asked = []
    search = MlflowClient.search_runs

    def counted(*arguments, **options):
        asked.append(arguments)
        return search(*arguments, **options)

    monkeypatch.setattr(MlflowClient, "search_runs", counted)
    found = earlier_runs(config, [*ids, "f" * 32])
    assert {fingerprint: earlier.run_id for fingerprint, earlier in found.items()} == ids
    assert len(asked) == 1


def test_in_an_experiment_of_many_runs_old_ones_are_found_too(ready, monkeypatch):
    for module in ("run_lookup", "store"):
        monkeypatch.setattr(f"catdog_exp.tracking.{module}.PAGE", 3)
    config = ready()
    old = made(config, "old", "FINISHED", 0.9)
    finished = made(config, "abc", "FINISHED", 0.8)
    for status in ("KILLED", "FAILED", "FAILED"):
        newest = made(config, "abc", status)
    made(config, "new", "FAILED")
    found = earlier_runs(config, ["abc", "old", "new", "absent"])
    assert found.keys() == {"abc", "old", "new"}
    assert (found["abc"].run_id, found["old"].run_id) == (finished, old)
    assert newest not in [earlier.run_id for earlier in found.values()]


def test_where_nothing_is_there_or_logged_nothing_is_found_and_nothing_made(tracking, tmp_path):
    for config in (tracking(), tracking(enabled=False, uri="no uri at all")):
        assert earlier_runs(config, ["abc"]) == {}
        assert find_parent(config, "abc") is None
        assert run_of_process(config, tmp_path / "store", "abc", 1, "here") is None
    assert list(tmp_path.iterdir()) == []


def test_another_experiment_is_not_looked_into_nor_made(ready):
    made(ready())
    assert earlier_runs(ready(experiment="dogs"), ["abc"]) == {}
    names = {experiment.name for experiment in open_store(ready()).client.search_experiments()}
    assert "dogs" not in names


def test_a_sweep_s_newest_parent_is_found(ready):
    config = ready()
    made(config, sweep="x=1,2", **{SWEEP_FINGERPRINT: "aa"})
    newest = made(config, status="FINISHED", sweep="x=1,2", **{SWEEP_FINGERPRINT: "aa"})
    made(config, sweep="x=1,3", **{SWEEP_FINGERPRINT: "bb"})
    assert find_parent(config, "aa") == newest
    assert find_parent(config, "cc") is None


def test_a_run_whose_process_aborted_is_found_and_failed_with_what_it_printed(ready, tmp_path):
    config = ready()
    code = (
        "import sys, os; from catdog_exp.tracking.config import TrackingConfig\n"
        "from tests.tracking.starting import start_run\n"
        f"config = TrackingConfig(True, {config.uri!r}, 'cats', None, None)\n"
        "with start_run(config, 'run', {'fingerprint': 'abc'}):\n"
        "    print('about to abort', flush=True); os.abort()\n"
    )
    output = tmp_path / "output.txt"
    with output.open("w") as stream:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=stream, stderr=stream)
        process.wait(timeout=120)
    run_id = run_of_process(config, tmp_path / "store", "abc", process.pid, socket.gethostname())
    assert run_id is not None
    assert earlier_runs(config, ["abc"])["abc"].state == "unfinished"
    fail_run(config, tmp_path / "store", run_id, "ended by SIGABRT", output)
    run = open_store(config).client.get_run(run_id)
    assert run.info.status == "FAILED"
    assert run.info.end_time is not None
    assert run.data.tags["error"] == "ended by SIGABRT"
    artifacts = tmp_path / "store" / "artifacts" / run_id / "artifacts"
    assert (artifacts / "error.txt").read_text() == "about to abort\n"


@pytest.mark.parametrize(("pid", "host"), [(1, "elsewhere"), (7, "here")])
def test_another_process_s_run_is_left_alone(ready, tmp_path, pid, host):
    config = ready()
    made(config, **presence_tags())
    made(config, **DEAD)
    assert run_of_process(config, tmp_path / "store", "abc", pid, host) is None


def test_a_store_that_fails_at_a_dead_run_s_end_is_a_warning(ready, tracking, tmp_path, caplog):
    fail_run(ready(), tmp_path, "0" * 32, "ended by SIGKILL", tmp_path / "absent")
    fail_run(ready(experiment="dogs"), tmp_path, "1" * 32, "ended by SIGKILL", tmp_path / "absent")
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
