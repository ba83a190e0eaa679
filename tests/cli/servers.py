"""An MLflow server, and a door before it that can be closed and may ask for a password."""

import base64
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def mlflow_server(folder, environment):
    """Serve from a store in `folder` while the block runs, which is given the port; it lets everybody in."""
    port = _free_port()
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


class Door:
    """Passes on to a server at a port of this machine what comes to a port of its own, once it is open.

    login: the USER:PASSWORD that it wants, None: none. address: HOST:PORT, the same whenever it is open.
    """

    def __init__(self, inside, login=None):
        expected = None if login is None else f"Basic {base64.b64encode(login.encode()).decode()}"

        class Handler(BaseHTTPRequestHandler):
            def pass_on(self):
                if expected is not None and self.headers.get("Authorization") != expected:
                    self.send_error(401)
                    return
                server = http.client.HTTPConnection("127.0.0.1", inside, timeout=60)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {key: value for key, value in self.headers.items() if key not in ("Host", "Authorization")}
                server.request(self.command, self.path, body, headers)
                answer = server.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self._handler, self._port, self._server = Handler, _free_port(), None
        self.address = f"127.0.0.1:{self._port}"

    def open(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
