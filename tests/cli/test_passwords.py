"""The password of a tracking server: runs log in with it, and none of the files that they leave holds it."""

import base64
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from catdog_exp.tracking.store import prepare_mlflow
from tests.cli.conftest import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.service]
USER, PASSWORD = "user", "geheim-4711"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def mlflow_port(tmp_path_factory, environment):
    """Of an MLflow server that lets everybody in."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    command = ["-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/store.db", "--workers", "1"]
    command += ["--artifacts-destination", folder / "artifacts", "--port", str(port)]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, *command],
            stdout=log,
            stderr=log,
            env={**environment, **quiet},
            start_new_session=True,
        )
    try:
        last = time.monotonic() + 100
        while True:
            assert time.monotonic() < last, (folder / "log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="module")
def guarded(mlflow_port):
    """The address of a door before that server, which wants the user's name and the password."""

    class Door(BaseHTTPRequestHandler):
        def pass_on(self):
            expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {expected}":
                self.send_error(401)
                return
            inside = http.client.HTTPConnection("127.0.0.1", mlflow_port, timeout=60)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {key: value for key, value in self.headers.items() if key not in ("Host", "Authorization")}
            inside.request(self.command, self.path, body, headers)
            answer = inside.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


def statuses(port, experiment):
    """Of all runs at the server."""
    prepare_mlflow()
    from mlflow import MlflowClient

    store = MlflowClient(f"http://127.0.0.1:{port}")
    return [run.info.status for run in store.search_runs([store.get_experiment_by_name(experiment).experiment_id])]


@pytest.mark.timeout(500)
@pytest.mark.parametrize(
    ("name", "words", "count"),
    [
        ("run", [], 1),
        ("grid", ["-m", "train.seed=0,1"], 3),
        ("basic", ["-m", "train.seed=0,1", "hydra/launcher=basic"], 3),
        ("submitit", ["-m", "train.seed=0,1", "hydra/launcher=local_processes"], 3),
        (
            "search",
            ["sweep=optuna", "hydra.sweeper.n_trials=2", "model.layers=1,2", "augment=none", "model.width=4"],
            3,
        ),
    ],
)
def test_no_file_of_a_run_or_sweep_holds_the_password(catdog, tmp_path, mlflow_port, guarded, name, words, count):
    local = tmp_path / "conf" / "local"  # where people keep it
    local.mkdir(parents=True)
    uri = f"http://{USER}:{PASSWORD}@{guarded}"
    (local / "default.yaml").write_text(f"# @package _global_\ntracking:\n  experiment: {name}\n  uri: {uri}\n")
    given = [f"tracking.uri={uri}"] if name in ("run", "grid") else []
    done = catdog(*words, *SMALL, "train.epochs=1", *given, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    holding = [
        file for file in tmp_path.glob("outputs/**/*") if file.is_file() and PASSWORD.encode() in file.read_bytes()
    ]
    assert holding == []
    assert statuses(mlflow_port, name) == ["FINISHED"] * count
