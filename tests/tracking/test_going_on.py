"""A run at MLflow that goes on after an interruption."""

import pytest

from catdog_exp.tracking.run import start_run
from catdog_exp.tracking.store import open_store


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
    with start_run(config, "run", {"fingerprint": "abc"}, interrupted="abc") as log:
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
    with start_run(config, "run", {"fingerprint": "abc"}, interrupted="abc") as log:
        pass
    assert log.run_id == run_id
    assert open_store(config).client.get_run(run_id).data.tags["mlflow.parentRunId"] == "1" * 32


def test_a_finished_run_and_one_of_other_settings_are_left_alone(ready):
    config = ready()
    with start_run(config, "run", {"fingerprint": "abc"}) as finished:
        pass
    other = failed(config, "other")
    with start_run(config, "run", {"fingerprint": "abc"}, interrupted="abc") as log:
        pass
    assert log.run_id not in (finished.run_id, other)
