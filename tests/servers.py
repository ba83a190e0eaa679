"""A shared MLflow server as groups have one: PostgreSQL behind it, artifacts handed on by it, and logins."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
LACKING = [
    *(["PostgreSQL (apt-get install postgresql)"] if PROGRAMS is None else []),
    *(name for name in ("psycopg", "flask_wtf") if importlib.util.find_spec(name) is None),
]
needs_postgresql = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")
START_TIMEOUT = 120  # seconds
ADMIN, PASSWORD = "admin", "a password of 2026"


@dataclass(frozen=True)
class Server:
    """uri: its address. user, password: of one who is no administrator. files: where it keeps artifacts."""

    uri: str
    user: str
    password: str
    files: Path

    @property
    def variables(self) -> dict[str, str]:
        """MLflow's own, that lead there."""
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_USERNAME": self.user,
            "MLFLOW_TRACKING_PASSWORD": self.password,
        }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[str]:
    """A database of PostgreSQL's on loopback, for a while; gives its URI. It does not run as root."""
    assert PROGRAMS is not None
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as name:
        as_user = []
        if os.getuid() == 0:
            shutil.chown(name, "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        data, port = f"{name}/data", free_port()
        making = [PROGRAMS / "initdb", "-D", data, "-U", "catdog", "-A", "trust", "--no-sync"]
        subprocess.run([*as_user, *making], cwd=name, check=True, stdout=subprocess.DEVNULL)
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        with _running([*as_user, PROGRAMS / "postgres", "-D", data, *words], Path(name, "log"), {}) as log:
            _wait(lambda: _answers(port), log)
            yield f"postgresql://catdog@127.0.0.1:{port}/postgres"


@contextmanager
def mlflow_server(folder: Path) -> Iterator[Server]:
    """An MLflow server on PostgreSQL with a user, in a new folder."""
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    (folder / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\nadmin_username = {ADMIN}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        "auth_cache_ttl_seconds = 600\n"  # a look at a password takes as long as all else of a request
    )
    variables = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "for tests",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with postgresql() as database:
        command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--port", str(port)]
        command += ["--backend-store-uri", database, "--artifacts-destination", folder / "artifacts", "--workers", "2"]
        with _running(command, folder / "log", variables) as log:
            _wait(lambda: _asked(f"{uri}/health") == 200, log)
            user, password = "ann", "another password of 2026"
            made = f'{{"username": "{user}", "password": "{password}"}}'.encode()
            assert _asked(f"{uri}/api/2.0/mlflow/users/create", made) == 200
            yield Server(uri, user, password, folder / "artifacts")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _asked(url: str, body: bytes | None = None) -> int:
    """The status of a server's answer to the administrator; 0 where there is none."""
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    passwords.add_password(None, url, ADMIN, PASSWORD, is_authenticated=True)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(passwords)
    )
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with opener.open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextmanager
def _running(command: Sequence[object], log: Path, variables: dict[str, str]) -> Iterator[Path]:
    """A program that runs in a group of its own, which is killed at the end. Gives the file of what it says."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    with log.open("w") as said:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=log.parent,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(ready, log: Path) -> None:
    last = time.monotonic() + START_TIMEOUT
    while not ready():
        assert time.monotonic() < last, log.read_text()
        time.sleep(0.2)
