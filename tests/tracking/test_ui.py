import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import psutil
import pytest

from catdog_exp.errors import UserError
from catdog_exp.tracking.best_run import best_run, found_run
from catdog_exp.tracking.links import compared
from catdog_exp.tracking.store import open_store
from catdog_exp.tracking.ui import serve_ui
from tests.tracking.starting import start_run

SERVE = """
import sys
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.ui import serve_ui
config = TrackingConfig(enabled=True, uri=sys.argv[1], experiment="cats", artifacts=None, parent_run=None)
sys.exit(serve_ui(config, sys.argv[3], int(sys.argv[2])))
"""
# Of people whose shell is set up for another server of MLflow's, behind a proxy.
SET_UP = {
    "http_proxy": "http://127.0.0.1:9",
    "no_proxy": "",
    "MLFLOW_STATIC_PREFIX": "/pages",
    "MLFLOW_ARTIFACTS_ONLY": "true",
    "MLFLOW_GUNICORN_OPTS": "--timeout 3",
    "MLFLOW_REGISTRY_STORE_URI": "postgresql://nobody@127.0.0.1:9/none",
    "MLFLOW_SERVER_ALLOWED_HOSTS": "pages.example.org",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(ready):
    """A store with one run, and its pages: the process and their address."""
    config = ready()
    with start_run(config, "a run to see", {}) as log:
        log.metrics({"val/accuracy": 0.75}, step=0)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, config.uri, str(port), "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert f"http://127.0.0.1:{port}" in line, process.communicate()
        yield process, f"http://127.0.0.1:{port}", log.run_id
    finally:
        process.terminate()
        process.wait(timeout=60)


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def post(url, values):
    request = urllib.request.Request(url, json.dumps(values).encode(), {"Content-Type": "application/json"})
    return json.loads(get(request))


@pytest.mark.service
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_pages_show_the_runs_until_a_signal_ends_all_processes(served, number):
    process, url, run_id = served
    assert "<html" in get(url)
    found = post(f"{url}/api/2.0/mlflow/experiments/search", {"max_results": 10})
    ids = {experiment["name"]: experiment["experiment_id"] for experiment in found["experiments"]}
    runs = post(f"{url}/api/2.0/mlflow/runs/search", {"experiment_ids": [ids["cats"]]})["runs"]
    assert [run["info"]["run_id"] for run in runs] == [run_id]
    assert runs[0]["data"]["metrics"][0]["value"] == 0.75

    family = psutil.Process(process.pid).children(recursive=True)
    assert 1 <= len(family) <= 3
    process.send_signal(number)
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert [member.pid for member in family if member.is_running()] == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) != 0


@pytest.mark.service
def test_the_pages_are_there_for_other_machines_whatever_the_shell_is_set_up_for(ready):
    config = ready()
    store = open_store(config)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, config.uri, str(port), "0.0.0.0"],
        env={**os.environ, **SET_UP},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        shown = [process.stdout.readline() for _ in range(3)]
        assert f"http://127.0.0.1:{port}/pages/#/experiments/{store.experiment_id}/" in shown[1], process.communicate()
        assert "0.0.0.0" not in shown[0]
        assert "MLFLOW_SERVER_ALLOWED_HOSTS=NAME" in shown[2]
        page = f"http://127.0.0.1:{port}/pages/"
        names = [f"{name}:{port}" for name in (socket.gethostname(), "127.0.0.1")]
        for name in (*names, "pages.example.org"):
            headers = {"Host": name, "Origin": f"http://{name}", "Content-Type": "application/json"}
            assert "<html" in get(urllib.request.Request(page, headers={"Host": name}))
            asked = urllib.request.Request(
                f"{page}ajax-api/2.0/mlflow/runs/search",
                json.dumps({"experiment_ids": [store.experiment_id]}).encode(),
                headers,
            )
            assert json.loads(get(asked)) == {}
        with pytest.raises(urllib.error.HTTPError, match="403"):
            get(urllib.request.Request(page, headers={"Host": "elsewhere.example.org"}))
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.service
def test_a_run_can_be_logged_to_a_server_and_its_network_fetched_from_it(served, tracking, tmp_path, capsys):
    _, url, _ = served
    config = tracking(uri=url, experiment="from afar")
    checkpoint = tmp_path / "best.safetensors"
    checkpoint.write_text("weights")
    with start_run(config, "remote", {"objective": "val/accuracy"}, outputs=tmp_path) as log:
        log.params({"lr": 0.1})
        log.metrics({"objective": 0.8}, step=0)
        log.artifact(checkpoint, "checkpoints")
        log.dataset("pack", "abc", "/x", "training", {"pictures": 1})
    assert log.link.startswith(f"{url}/#/experiments/")
    with pytest.raises(ZeroDivisionError), start_run(config, "broken", {}, outputs=tmp_path) as broken:
        1 / 0  # noqa: B018
    store = open_store(config)
    assert store.client.get_run(broken.run_id).info.status == "FAILED"
    found = found_run(store, best_run(store, "val/accuracy", False, None).run, tmp_path / "downloads")
    assert found.run_id == log.run_id
    assert found.checkpoint == tmp_path / "downloads" / log.run_id / "checkpoints" / "best.safetensors"
    assert found.checkpoint.read_text() == "weights"
    assert [entry.name for entry in (tmp_path / "downloads").iterdir()] == [log.run_id]
    assert serve_ui(config) == 0
    view = f"{url}/#/experiments/{store.experiment_id}/runs?workflowType=machine_learning&viewStateShareKey="
    assert capsys.readouterr().out == f"the runs are at {view}catdog\n"
    assert compared(log.link) == f"; all runs: {view}catdog"
    with start_run(config, "a sweep", {"sweep": "x=1,2"}, outputs=tmp_path) as sweep:
        assert sweep.link == f"{view}{sweep.run_id}"  # that of its jobs


def test_without_a_store_the_user_is_told_to_run_first(tracking, tmp_path):
    with pytest.raises(UserError, match="no runs yet"):
        serve_ui(tracking())
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_named(ready):
    open_store(ready())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port} of 127\.0\.0\.1 .* choose another with --port"):
            serve_ui(ready(), port=port)


@pytest.mark.parametrize("port", [0, -1, 70000])
def test_a_number_that_is_no_port_is_refused(ready, port):
    open_store(ready())
    with pytest.raises(UserError, match=f"port {port}: .* choose another with --port"):
        serve_ui(ready(), port=port)
