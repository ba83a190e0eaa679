"""A server of MLflow's as a child process: started, waited for, and ended with all its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from catdog_exp.errors import UserError
from catdog_exp.tracking.interrupts import ended_by_signals, uninterrupted

START_TIMEOUT = 120  # seconds until it must answer; 5 to 20 are usual
END_TIMEOUT = 10  # seconds that its processes get to end by themselves
POLL = 0.2  # seconds


def run_server(command: Sequence[str], environment: Mapping[str, str], health: str, lines: Sequence[str]) -> int:
    """Run a server until Ctrl-C or SIGTERM ends it; no process is left behind. Returns the exit code.

    health: URL that it answers once it is ready; `lines` are printed then.

    Raises UserError when it does not start, or ends by itself.
    """
    with tempfile.TemporaryFile() as output, suppress(KeyboardInterrupt), ended_by_signals():
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
