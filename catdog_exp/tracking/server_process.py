"""A server of MLflow's as a child process: started, waited for, and ended with all its processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

from catdog_exp.errors import UserError
from catdog_exp.tracking.interrupts import uninterrupted

START_TIMEOUT = 120  # seconds until it must answer; 5 to 20 are usual
END_TIMEOUT = 10  # seconds that its processes get to end by themselves
POLL = 0.2  # seconds
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # addresses that stand for all of a machine's, each with the one to ask


def run_server(command: Sequence[str], environment: Mapping[str, str], health: str, lines: Sequence[str]) -> int:
    """Run a server until Ctrl-C or SIGTERM ends it; no process is left behind. Returns the exit code.

    health: URL that it answers once it is ready; `lines` are printed then.

    Raises UserError when it does not start, or ends by itself.
    """
    with tempfile.TemporaryFile() as output, suppress(KeyboardInterrupt), _ended_by_signals():
        # In a session of its own: Ctrl-C reaches this process alone, which then ends the whole group.
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
        try:
            _wait_for(health, server, output)
            print(*lines, sep="\n", flush=True)
            server.wait()
            raise UserError(f"MLflow's server ended by itself: {_last_line(output)}")
        finally:
            with uninterrupted():
                _end(server)
    return 0


def url_host(host: str) -> str:
    """A host's name or address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def check_free(host: str, port: int) -> None:
    """Raise UserError where a server cannot have this port."""
    if not 1 <= port <= 65535:
        raise UserError(f"port {port}: there are 1 to 65535, choose another with --port")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:  # the latter of names that no host can have
        raise UserError(f"port {port} of {host} cannot be had ({error}): choose another with --port") from None


def _wait_for(url: str, server: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    last = time.monotonic() + START_TIMEOUT
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy reaches this machine
    while time.monotonic() < last:
        if server.poll() is not None:
            raise UserError(f"MLflow's server does not start: {_last_line(output)}")
        with suppress(urllib.error.URLError, OSError), direct.open(url, timeout=5):
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
