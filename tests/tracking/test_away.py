"""A store that goes away while a run is under way: nothing is lost, and nothing is logged twice."""

import json
import shutil
import time

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from catdog_exp.tracking import run as tracking_run
from catdog_exp.tracking.journal import END, SENT, Header, journals, new_journal, unsent_line
from catdog_exp.tracking.run_lookup import STATES
from catdog_exp.tracking.sender import Sender
from catdog_exp.tracking.store import open_store
from catdog_exp.tracking.sync import send_unsent
from tests.tracking.reading import logged
from tests.tracking.starting import start_run

CALLS = ("get_run", "get_experiment", "log_batch", "log_artifact", "log_inputs", "set_tag", "set_terminated")


class Door:
    """Between runs and their store. closed: nobody answers behind it."""

    closed = False


@pytest.fixture
def door(monkeypatch):
    here = Door()

    def guarded(call):
        def through(*arguments, **named):
            if here.closed:
                raise requests.ConnectionError("connection refused")
            return call(*arguments, **named)

        return through

    for name in CALLS:
        monkeypatch.setattr(MlflowClient, name, guarded(getattr(MlflowClient, name)))
    monkeypatch.setattr(tracking_run, "AT_END", dict.fromkeys(tracking_run.AT_END, 0.3))
    return here


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "store"


def histories(config, run_id):
    client = open_store(config).client
    return {
        key: [(point.step, point.timestamp, point.value) for point in client.get_metric_history(run_id, key)]
        for key in client.get_run(run_id).data.metrics
    }


def epochs(log, first, last):
    for step in range(first, last):
        log.metrics({"val/loss": 1 / (step + 1), "lr": 0.1}, step)


def wait_for(what):
    last = time.monotonic() + 30
    while not what():
        assert time.monotonic() < last
        time.sleep(0.05)


def test_what_is_logged_while_it_is_away_comes_when_it_is_back(ready, door, outputs, tmp_path, caplog):
    caplog.set_level("INFO")
    config = ready()
    (tmp_path / "curves.png").write_bytes(b"picture")
    with start_run(config, "run", {}) as log:
        epochs(log, 0, 3)
        log.settle()
        door.closed = True
        epochs(log, 3, 6)
        log.artifact(tmp_path / "curves.png")
        log.dataset("cats", "abc", "/x", "training", {})
        wait_for(lambda: "the run goes on" in caplog.text)
        door.closed = False
        epochs(log, 6, 8)
        log.settle()
        assert [step for step, _, _ in histories(config, log.run_id)["val/loss"]] == list(range(8))
    run = logged(config, log.run_id)
    assert run.info.status == "FINISHED"
    assert len(run.inputs.dataset_inputs) == 1
    assert (outputs / "artifacts" / log.run_id / "artifacts" / "curves.png").is_file()
    assert journals(outputs) == []
    assert [line for line in caplog.messages if "sqlite" in line] == [
        f"the MLflow store {config.uri}: it does not answer; the run goes on",
        f"the MLflow store {config.uri} answers again",
    ]


def test_one_that_never_comes_back_costs_a_run_one_line_and_is_given_all_later(ready, door, outputs, caplog):
    config = ready()
    with start_run(config, "run", {}) as log:
        epochs(log, 0, 2)
        log.settle()
        door.closed = True
        epochs(log, 2, 5)
        log.figures({"objective": 0.5})
    (journal,) = journals(outputs)
    assert caplog.messages[-1].startswith("MLflow lacks the rest of the run (it does not answer)")
    assert str(journal.path) in caplog.messages[-1]
    assert unsent_line(outputs) == "of 1 run something is not at MLflow yet: `catdog sync` sends it"
    ended = time.time()
    (left,) = send_unsent(config, outputs, again=True)
    assert (left.sent, "failed" in left.left) == (0, True)
    door.closed = False
    (sent,) = send_unsent(config, outputs, again=True)
    assert (sent.run_id, sent.name, sent.left) == (log.run_id, "run", "")
    run = logged(config, log.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.end_time / 1000 < ended
    assert run.data.metrics["objective"] == 0.5
    assert [step for step, _, _ in histories(config, log.run_id)["val/loss"]] == list(range(5))
    assert list(send_unsent(config, outputs, again=True)) == []
    assert unsent_line(outputs) == ""


def test_what_was_on_its_way_when_a_sender_was_killed_is_not_doubled(ready, door, outputs, tmp_path):
    config = ready()
    with start_run(config, "run", {}) as log:
        epochs(log, 0, 4)
        log.figures({"objective": 0.5})
        log.figures({"objective": 0.6})
        log.settle()
        kept = tmp_path / "kept"
        shutil.copytree(outputs / "unsent", kept)
    before = histories(config, log.run_id)
    shutil.rmtree(outputs / "unsent")
    shutil.copytree(kept, outputs / "unsent")
    for file in (outputs / "unsent").glob(f"*{SENT}"):
        file.unlink()  # as if nothing had been sent
    (sent,) = send_unsent(config, outputs, again=True)
    assert (sent.sent, sent.left) == (6, "")
    assert histories(config, log.run_id) == before


def test_a_file_that_was_refused_is_sent_later(ready, door, outputs, tmp_path, monkeypatch, caplog):
    config = ready()
    (tmp_path / "best.safetensors").write_text("weights")
    refusing = [True]
    log_artifact = MlflowClient.log_artifact

    def log_small(*arguments):
        if refusing:
            raise MlflowException("API request to endpoint /x failed with error code 413 != 200")
        log_artifact(*arguments)

    monkeypatch.setattr(MlflowClient, "log_artifact", log_small)
    with start_run(config, "run", {"fingerprint": "abc"}) as log:
        log.artifact(tmp_path / "best.safetensors", "checkpoints")
        epochs(log, 0, 2)
    assert logged(config, log.run_id).info.status == "FINISHED"
    (line,) = caplog.messages
    assert "client_max_body_size" in line
    assert "`catdog sync`" in line
    assert list(send_unsent(config, outputs, ["abc"])) == []  # a next run does not send it once more
    (left,) = send_unsent(config, outputs, again=True)
    assert left.left.startswith("best.safetensors is not logged")
    refusing.clear()
    (sent,) = send_unsent(config, outputs, again=True)
    assert (sent.sent, sent.left) == (1, "")
    assert (outputs / "artifacts" / log.run_id / "artifacts" / "checkpoints" / "best.safetensors").is_file()
    assert journals(outputs) == []


def test_a_run_that_is_deleted_while_it_goes_on_is_one_line(ready, door, outputs, caplog):
    config = ready()
    with start_run(config, "run", {}) as log:
        open_store(config).client.delete_run(log.run_id)
        epochs(log, 0, 5)
    assert [line for line in caplog.messages if "deleted" in line] == caplog.messages
    assert len(caplog.messages) == 1
    assert journals(outputs) == []


def test_what_a_killed_run_has_left_is_sent_before_the_same_command_looks_for_it(ready, outputs, tmp_path):
    config = ready()
    store = open_store(config)
    run = store.client.create_run(store.experiment_id, tags={"fingerprint": "abc", "objective": "val/loss"})
    journal = new_journal(outputs, run.info.run_id)
    of_a_dead_process = {"mlflow.catdog.pid": "1", "mlflow.catdog.heartbeat": "1000.0"}
    journal.begin(Header(run.info.run_id, "run", journal.store(store.uri), "cats", "abc", of_a_dead_process))
    journal.append("figures", {"values": {"objective": 0.25}})
    journal.append(END, {"status": "FINISHED", "reason": None, "report": None})
    with journal.path.open("ab") as file:
        file.write(b'{"method": "tags", "argu')  # cut by the kill
    sender = Sender(config)
    try:
        found = sender.earlier_runs(outputs, ["abc"], STATES)["abc"]
    finally:
        sender.close()
    assert (found.state, found.objective) == ("finished", 0.25)
    assert logged(config, run.info.run_id).info.status == "FINISHED"


def test_a_journal_holds_no_password_and_moves_with_its_outputs(outputs, tmp_path):
    journal = new_journal(outputs, "0" * 32)
    store = journal.store("https://user:secret@host/mlflow")
    journal.begin(Header("0" * 32, "run", store, "cats", "", {}))
    journal.append("artifact", {"path": outputs / "runs" / "a.png", "folder": ""})
    assert "secret" not in journal.path.read_text()
    outputs.rename(tmp_path / "moved")
    (moved,) = journals(tmp_path / "moved")
    entry = moved.entry_at(moved.cursor().place)
    assert entry.arguments["path"] == tmp_path / "moved" / "runs" / "a.png"
    assert json.loads(moved.path.read_text().splitlines()[0])["store"] == "https://user:***@host/mlflow"
