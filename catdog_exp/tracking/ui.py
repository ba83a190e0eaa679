"""MLflow's web pages on the configured store."""

from __future__ import annotations

import http.client
import os
import sys
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING

from catdog_exp.hosts import ANY, LOOPBACK, check_free, names_of, url_host
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.links import ALL, run_path, view_path
from catdog_exp.tracking.server_process import run_server
from catdog_exp.tracking.store import Store, existing_store
from catdog_exp.tracking.uris import absolute_uri, artifact_root, is_server, without_password

if TYPE_CHECKING:
    from mlflow.entities import Run

PORT = 5000
LOOK = 2  # seconds that a look at it may take
ALLOWED, ORIGINS = "MLFLOW_SERVER_ALLOWED_HOSTS", "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"
KEPT = ("MLFLOW_SERVER_", "MLFLOW_STATIC_PREFIX", "MLFLOW_SQLALCHEMYSTORE_", "MLFLOW_S3_", "MLFLOW_GCS_")


def serve_ui(config: TrackingConfig, host: str = "127.0.0.1", port: int = PORT) -> int:
    """Serve MLflow's pages at http://host:port until Ctrl-C or SIGTERM ends them. Returns the exit code.

    The address is printed once it answers. Where the store is a server's already, its address is all there
    is to print. No process is left behind.

    Raises UserError when there are no runs yet, the port is taken or the server does not start.
    """
    uri = absolute_uri(config.uri)
    if is_server(uri):
        page = view_path(existing_store(config).experiment_id, ALL)
        print(f"the runs are at {without_password(uri).rstrip('/')}{page}")
        return 0
    store = existing_store(config)
    check_free(host, port)
    names = names_of(host)
    prefix = os.environ.get("MLFLOW_STATIC_PREFIX", "").rstrip("/")
    page = f"{prefix}{view_path(store.experiment_id, ALL)}"
    lines = [f"MLflow shows the runs at http://{names[0]}:{port}{page} (Ctrl-C ends it)"]
    if host in ANY:
        lines.append(f"on this machine: http://{url_host(ANY[host])}:{port}{page}")
    if host not in LOOPBACK:
        lines.append(f"it answers to this machine's names and addresses; {ALLOWED}=NAME,… adds others")
    health = f"http://{url_host(ANY.get(host, host))}:{port}{prefix}/health"
    return run_server(_command(config, uri, host, port), _environment(port, names), health, lines)


def page_of_run(store: Store, run: Run, *, here: bool) -> str | None:
    """The address of a run's page: at the server that keeps it, else at `catdog ui` where that shows it now.

    here: whether a browser on this machine is to open it. None where there is no such page.
    """
    path = run_path(run.info.experiment_id, run.info.run_id)
    if is_server(store.uri):
        return f"{store.shown.rstrip('/')}{path}"
    address = f"http://127.0.0.1:{PORT}"
    # By the run's id, since the pages of another store may stand there.
    asked = f"{address}/api/2.0/mlflow/runs/get?run_id={run.info.run_id}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy reaches this machine
    with suppress(OSError, http.client.HTTPException):
        if here:
            direct.open(asked, timeout=LOOK).close()
            return f"{address}{path}"
    return None


def _environment(port: int, names: list[str]) -> dict[str, str]:
    """The server's: of MLflow's own variables, which may name other stores, only those about access and speed."""
    given = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("MLFLOW_", "_MLFLOW_")) or key.startswith(KEPT)
    }
    hosts = [name for name in given.get(ALLOWED, "").split(",") if name]
    origins = [name for name in given.get(ORIGINS, "").split(",") if name]
    hosts += [f"{name}{end}" for name in (*names, *LOOPBACK) for end in ("", f":{port}")]
    # A browser tells where a page that asks for runs came from, and MLflow trusts no name but localhost by itself.
    origins += [f"{scheme}://{name}" for scheme in ("http", "https") for name in hosts]
    return {
        **given,
        ALLOWED: ",".join(hosts),
        ORIGINS: ",".join(origins),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Unless told otherwise, MLflow starts eight more processes for jobs of its own.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _command(config: TrackingConfig, uri: str, host: str, port: int) -> list[str]:
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", host]
    command += ["--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning"]
    root = artifact_root(config)
    return command if root is None else [*command, "--artifacts-destination", root]
