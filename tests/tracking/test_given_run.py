"""A run that another program has made, as `mlflow run` does, and that is logged to."""

import pytest

from catdog_exp.tracking.heartbeat import HEARTBEAT
from catdog_exp.tracking.store import open_store
from tests.tracking.reading import logged
from tests.tracking.refusing import refusal
from tests.tracking.starting import start_run


@pytest.fixture
def given(ready):
    """Id of a run of another experiment than the configured one."""
    store = open_store(ready(experiment="others"))
    made = store.client.create_run(store.experiment_id, tags={"mlflow.source.name": "theirs"}, run_name="given")
    return made.info.run_id


def test_a_run_is_logged_to_the_one_that_is_given_in_its_experiment(ready, given, caplog):
    config = ready(run=given)
    with caplog.at_level("INFO"), start_run(config, "name", {"fingerprint": "abc"}) as log:
        log.params({"train.lr": 0.1})
        assert HEARTBEAT in logged(config, given).data.tags
    assert "interrupted" not in caplog.text
    assert log.run_id == given
    run = logged(config, given)
    assert (run.info.status, run.info.run_name, run.data.params) == ("FINISHED", "given", {"train.lr": "0.1"})
    assert (run.data.tags["fingerprint"], run.data.tags["mlflow.source.name"]) == ("abc", "theirs")
    store = open_store(config)
    assert store.experiment == "others"
    assert [each.info.run_id for each in store.runs()] == [given]


def test_the_jobs_of_a_sweep_have_runs_of_their_own_under_it(ready, given):
    with (
        start_run(ready(run=given), "sweep", {}) as parent,
        start_run(ready(run=given, parent_run=given), "job", {}) as job,
    ):
        assert parent.run_id == given
        assert job.run_id != given
    run = logged(ready(), job.run_id)
    assert run.data.tags["mlflow.parentRunId"] == given
    assert run.info.experiment_id == logged(ready(), given).info.experiment_id


def test_one_that_is_not_there_is_refused(ready):
    line = refusal(open_store, ready(run="0123456789abcdef"))
    assert line.startswith("tracking.run=0123456789abcdef: sqlite:///")
    assert "leave MLFLOW_RUN_ID" in line
