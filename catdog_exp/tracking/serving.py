"""A model behind HTTP, by MLflow's scoring server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from catdog_exp.hosts import ANY, check_free, url_host
from catdog_exp.tracking.server_process import run_server

ASKING = """{{ printf '{{"inputs": ["'; base64 PICTURE.jpg | tr -d '\\n'; printf '"]}}'; }} | \
curl -H 'Content-Type: application/json' --data-binary @- {url}"""


def serve_model(folder: Path, what: str, host: str, port: int, workers: int) -> int:
    """Answer about pictures at http://host:port until Ctrl-C or SIGTERM ends it. Returns the exit code.

    folder: an MLflow model. what: which, for people. workers: processes, each with the network in memory. How to ask is
    printed once it answers. No process is left behind.

    Raises UserError when the port is taken or the server does not start.
    """
    check_free(host, port)
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(folder)]
    command += ["--env-manager", "local", "--host", host, "--port", str(port), "--workers", str(workers)]
    # MLflow looks for uvicorn on the PATH, which a virtual environment need not be on.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "UVICORN_LOG_LEVEL": "warning"}
    url = f"http://{url_host(ANY.get(host, host))}:{port}"
    lines = [
        f"{what} answers at {url}/invocations (Ctrl-C ends it); ask with:",
        ASKING.format(url=f"{url}/invocations"),
    ]
    return run_server(command, environment, f"{url}/ping", lines)
