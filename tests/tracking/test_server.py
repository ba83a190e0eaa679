"""A tracking server that is not there, says nothing, or is another program."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from catdog_exp.tracking import service
from catdog_exp.tracking.run_lookup import STATES
from catdog_exp.tracking.sender import Sender
from catdog_exp.tracking.store import existing_store, open_store
from tests.tracking.refusing import refusal


def test_a_server_that_is_not_there_is_given_up_within_seconds(tracking):
    started = time.monotonic()
    line = refusal(open_store, tracking(uri="http://user:secret@127.0.0.1:9"))
    assert "no MLflow server answers" in line
    assert "secret" not in line
    assert time.monotonic() - started < 15


def test_a_sweep_s_job_waits_at_its_start_for_a_server_that_is_away(tracking, tmp_path, monkeypatch):
    class Knowing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}')

        def log_message(self, *_: object) -> None: ...

    def serve() -> None:
        time.sleep(1)
        server.server_activate()
        server.handle_request()
        server.handle_request()

    monkeypatch.setattr(service, "LONGEST_WAIT", 0.2)
    server = HTTPServer(("127.0.0.1", 0), Knowing, bind_and_activate=False)
    server.server_bind()
    config = tracking(uri=f"http://127.0.0.1:{server.server_address[1]}")
    alone, job = Sender(config), Sender(replace(config, parent_run="0" * 32))
    try:
        assert "no MLflow server answers" in refusal(alone.earlier_runs, tmp_path, ["abc"], STATES)
        Thread(target=serve, daemon=True).start()
        assert job.earlier_runs(tmp_path, ["abc"], STATES) == {}
    finally:
        alone.close()
        job.close()
        server.server_close()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that takes a connection and then says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_never_answers_is_given_up_within_seconds(tracking, silent_server):
    started = time.monotonic()
    assert "no MLflow server answers" in refusal(open_store, tracking(uri=silent_server))
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("status", "kind", "body", "told"),
    [
        (200, "text/html", b"<!doctype html><title>Sign in</title>", "a login or a proxy"),
        (200, "application/json", b'{"login": "/sso"}', "a login or a proxy"),
        (404, "text/html", b"<h1>File not found</h1>", "a login or a proxy"),
        (401, "text/plain", b"You are not authenticated.", "MLFLOW_TRACKING_USERNAME"),
        (403, "application/json", b'{"error_code": "PERMISSION_DENIED"}', "MLFLOW_TRACKING_USERNAME"),
        (502, "text/html", b"<h1>Bad Gateway</h1>", "502"),
    ],
)
@pytest.mark.parametrize("action", [open_store, existing_store])
def test_what_answers_otherwise_than_mlflow_is_one_line(tracking, monkeypatch, status, kind, body, told, action):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # none is asked for this machine
    monkeypatch.setenv("no_proxy", "")

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answering)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        line = refusal(action, tracking(uri=f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()
    assert line.startswith(f"tracking.uri=http://127.0.0.1:{server.server_port}: ")
    assert told in line
    assert str(status) in line
