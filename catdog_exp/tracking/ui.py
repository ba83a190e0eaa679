"""MLflow's web pages on the configured store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

from catdog_exp.errors import UserError
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.interrupts import uninterrupted
from catdog_exp.tracking.store import existing_store
from catdog_exp.tracking.uris import absolute_uri, artifact_root, is_server, without_password
from catdog_exp.tracking.view import view_path

START_TIMEOUT = 120  # seconds until the pages must answer; 5 to 20 are usual
END_TIMEOUT = 10  # seconds that the server's processes get to end by themselves
POLL = 0.2  # seconds

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # addresses that stand for all of a machine's, each with the one to ask
ALLOWED, ORIGINS = "MLFLOW_SERVER_ALLOWED_HOSTS", "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"
KEPT = ("MLFLOW_SERVER_", "MLFLOW_STATIC_PREFIX", "MLFLOW_SQLALCHEMYSTORE_", "MLFLOW_S3_", "MLFLOW_GCS_")


def serve_ui(config: TrackingConfig, host: str = "127.0.0.1", port: int = 5000) -> int:
    """Serve MLflow's pages at http://host:port until Ctrl-C or SIGTERM ends them. Returns the exit code.

    The address is printed once it answers. Where the store is a server's already, its address is all there
    is to print. No process is left behind.

    Raises UserError when there are no runs yet, the port is taken or the server does not start.
    """
    uri = absolute_uri(config.uri)
    if is_server(uri):
        print(f"the runs are at {without_password(uri)}")
        return 0
    store = existing_store(config)
    _check_free(host, port)
    names = _names(host)
    prefix = os.environ.get("MLFLOW_STATIC_PREFIX", "").rstrip("/")
    page = f"{prefix}{view_path(store.experiment_id)}"
    with tempfile.TemporaryFile() as output, suppress(KeyboardInterrupt), _ended_by_signals():
        server = _start(config, uri, host, port, names, output)
        try:
            _wait_for(f"http://{_address(ANY.get(host, host))}:{port}{prefix}", server, output)
            print(f"MLflow shows the runs at http://{names[0]}:{port}{page} (Ctrl-C ends it)", flush=True)
            if host in ANY:
                print(f"on this machine: http://{_address(ANY[host])}:{port}{page}", flush=True)
            if host not in LOOPBACK:
                print(f"it answers to this machine's names and addresses; {ALLOWED}=NAME,… adds others", flush=True)
            server.wait()
            raise UserError(f"MLflow's server ended by itself: {_last_line(output)}")
        finally:
            with uninterrupted():
                _end(server)
    return 0


def _names(host: str) -> list[str]:
    """What a browser may call the machine that serves on `host`; the first is one that it can be asked by."""
    if host in LOOPBACK:
        return [_address(host)]
    import psutil

    addresses = [
        _address(each.address.partition("%")[0])
        for network in psutil.net_if_addrs().values()
        for each in network
        if each.family in (socket.AF_INET, socket.AF_INET6)
    ]
    known = [socket.gethostname(), socket.getfqdn()]
    with suppress(OSError):  # in a container that nobody knows by its name, an address stands first
        socket.getaddrinfo(known[0], None)
        addresses = [*known, *addresses]
    addresses.sort(key=lambda name: name in LOOPBACK)
    asked = [] if host in ANY else [_address(host)]
    return list(dict.fromkeys([*asked, *addresses, *known]))


def _address(host: str) -> str:
    """A host's name or address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


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


def _start(
    config: TrackingConfig, uri: str, host: str, port: int, names: list[str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", host]
    command += ["--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning"]
    root = artifact_root(config)
    if root is not None:
        command += ["--artifacts-destination", root]
    # In a session of its own: Ctrl-C reaches this process alone, which then ends the whole group.
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=_environment(port, names),
        start_new_session=True,
    )


def _check_free(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise UserError(f"port {port}: there are 1 to 65535, choose another with --port")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise UserError(f"port {port} of {host} cannot be had ({error}): choose another with --port") from None


def _wait_for(url: str, server: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    last = time.monotonic() + START_TIMEOUT
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy reaches this machine
    while time.monotonic() < last:
        if server.poll() is not None:
            raise UserError(f"MLflow's server does not start: {_last_line(output)}")
        with suppress(urllib.error.URLError, OSError), direct.open(f"{url}/health", timeout=5):
            return
        time.sleep(POLL)
    raise UserError(f"MLflow's server has not answered at {url} within {START_TIMEOUT} s: {_last_line(output)}")


def _last_line(output: IO[bytes]) -> str:
    output.seek(0)
    lines = output.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"


def _end(server: subprocess.Popen[bytes]) -> None:
    """End all processes of the server's group; those that do not in time are killed."""
    last = time.monotonic() + END_TIMEOUT
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
        while time.monotonic() < last:
            server.poll()
            os.killpg(server.pid, 0)
            time.sleep(POLL)
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the block as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # A signal that is ignored stays so: nohup asks for it.
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
