"""A run at MLflow that goes on after an interruption."""

import logging
import os

import pytest

from catdog_exp.errors import UserError
from catdog_exp.tracking.heartbeat import HOST, PID, PROCESS_STARTED, is_alive
from catdog_exp.tracking.store import open_store
from tests.tracking.starting import start_run


def failed(config, fingerprint: str) -> str:
    """The id of a run that has failed after one step."""
    with (
        pytest.raises(OSError, match="full"),
        start_run(config, "run", {"fingerprint": fingerprint}) as log,
    ):
        log.params({"lr": 0.1})
        log.metrics({"val/loss": 0.7}, step=1)
        raise OSError("the disk is full")
    return str(log.run_id)


def test_nothing_is_logged_twice_and_the_failure_is_forgotten(ready):
    config = ready()
    run_id = failed(config, "abc")
    with start_run(config, "run", {"fingerprint": "abc"}, resume=run_id) as log:
        log.params({"lr": 0.2, "epochs": 3})
        log.metrics({"val/loss": 0.7}, step=1)
        log.metrics({"val/loss": 0.6}, step=2)
    client = open_store(config).client
    run = client.get_run(run_id)
    assert log.run_id == run_id
    assert run.info.status == "FINISHED"
    assert "error" not in run.data.tags
    assert run.data.params == {"lr": "0.1", "epochs": "3"}
    assert [(entry.step, entry.value) for entry in client.get_metric_history(run_id, "val/loss")] == [
        (1, 0.7),
        (2, 0.6),
    ]


def test_in_a_new_sweep_it_stands_under_that(ready):
    run_id = failed(ready(parent_run="0" * 32), "abc")
    config = ready(parent_run="1" * 32)
    with start_run(config, "run", {"fingerprint": "abc"}, resume=run_id) as log:
        pass
    assert log.run_id == run_id
    assert open_store(config).client.get_run(run_id).data.tags["mlflow.parentRunId"] == "1" * 32


def test_it_is_open_again_as_this_process_s_own(ready, caplog):
    caplog.set_level(logging.INFO)
    config = ready()
    run_id = failed(config, "abc")
    client = open_store(config).client
    for tag in (HOST, PID, PROCESS_STARTED):
        client.set_tag(run_id, tag, "1")
    client.set_tag(run_id, "pruned", "3")
    with start_run(config, "run", {"fingerprint": "abc"}, resume=run_id):
        run = client.get_run(run_id)
        assert run.info.status == "RUNNING"
        assert run.data.tags[PID] == str(os.getpid())
        assert is_alive("RUNNING", run.data.tags)
        assert "pruned" not in run.data.tags
    assert f"going on with run {run_id[:8]}, that was interrupted" in caplog.text


def test_a_finished_sweep_s_parent_goes_on_and_says_anew_what_its_jobs_came_to(ready, caplog):
    caplog.set_level(logging.INFO)
    config = ready()
    with start_run(config, "sweep", {"sweep": "train.seed=1,2"}) as first:
        first.metrics({"objective/mean": 0.7}, step=0)
    client = open_store(config).client
    with start_run(config, "sweep", {"sweep": "train.seed=1,2"}, resume=first.run_id) as log:
        assert client.get_run(first.run_id).info.status == "RUNNING"
        log.metrics({"objective/mean": 0.8}, step=0)
    run = client.get_run(first.run_id)
    assert log.run_id == first.run_id
    assert run.info.status == "FINISHED"
    assert run.data.metrics["objective/mean"] == 0.8
    assert "going on" not in caplog.text


def test_a_run_that_is_not_there_is_one_line(ready):
    with pytest.raises(UserError, match="0" * 32), start_run(ready(), "run", {}, resume="0" * 32):
        pass
