"""Files of a run that the store does not take."""

import pytest
import requests
from mlflow.exceptions import MlflowException

from catdog_exp.errors import UserError
from catdog_exp.tracking.best_run import CHECKPOINT, best_run, found_run
from catdog_exp.tracking.store import open_store
from tests.tracking.reading import logged
from tests.tracking.starting import start_run


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            requests.HTTPError("413 Client Error: Request Entity Too Large for url: http://host/x"),
            "client_max_body_size",
        ),
        (
            MlflowException("API request failed with error code 403 != 200. Response body: '<html>'"),
            "does not let you in",
        ),
        (PermissionError(13, "Permission denied", "/mnt/files"), "/mnt/files: Permission denied"),
    ],
)
def test_a_file_that_a_server_does_not_take_stays_on_disk_and_is_found_there(
    ready, tmp_path, monkeypatch, caplog, error, told
):
    config = ready(artifacts="s3://bucket/files")
    checkpoint = tmp_path / "run" / CHECKPOINT
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text("weights")
    small = tmp_path / "config.yaml"
    small.write_text("a: 1")

    def refuse(_client, _run_id, file, _folder):
        if file == str(checkpoint):
            raise error

    monkeypatch.setattr("mlflow.MlflowClient.log_artifact", refuse)
    with start_run(config, "run", {"objective": "val/accuracy"}) as log:
        log.artifact(small, "config")
        log.metrics({"objective": 0.75}, step=0)
        log.artifact(checkpoint, "checkpoints")
        log.tags({"later": "yes"})
    assert logged(config, log.run_id).info.status == "FINISHED"
    (line,) = caplog.messages
    assert line.startswith(f"best.safetensors is not logged, it stays in {checkpoint.parent}: ")
    assert told in line
    store = open_store(config)
    assert found_run(store, best_run(store, "val/accuracy", False, None).run, tmp_path).checkpoint == checkpoint


@pytest.mark.parametrize(
    "error", [requests.ConnectionError("no route"), ModuleNotFoundError("No module named 'boto3'", name="boto3")]
)
def test_a_place_that_takes_no_file_at_all_ends_the_run_before_its_work(ready, tmp_path, monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr("mlflow.MlflowClient.log_artifact", refuse)
    (tmp_path / "config.yaml").write_text("a: 1")
    with pytest.raises(UserError), start_run(ready(artifacts="s3://bucket/files"), "run", {}) as log:
        log.artifact(tmp_path / "config.yaml", "config")
        log.settle()
