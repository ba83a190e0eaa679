"""The two processes that MXNet's `dist_sync` needs beside the workers: ps-lite's scheduler and its server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

from catdog_exp.errors import UserError

LEAVING = 20.0  # seconds that they may take to end by themselves

# MXNet takes its part from the environment while it is imported, and ends the process when the workers are
# done. The process ends with worker 0, whatever ends that one: its standard input is a pipe from there.
_CODE = """import os, sys, threading
sys.path[:] = sys.argv[1:]
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
import catdog_exp.mx
"""


class ParameterServer:
    """A scheduler and a server for so many workers, running. port: the scheduler's, at `address`."""

    def __init__(self, address: str, workers: int) -> None:
        """address: of this machine, as all workers can reach it. Raises UserError when it has no port to give."""
        self.port = _free_port(address)
        self._processes = {}
        for role in ("scheduler", "server"):
            self._processes[role] = subprocess.Popen(
                [sys.executable, "-c", _CODE, *sys.path],
                env=ps_environment(role, address, address, self.port, workers),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def problem(self) -> str | None:
        """One line when one of them has ended, None while both run."""
        for role, process in self._processes.items():
            if process.poll() is not None:
                return f"MXNet's {role} beside worker 0 has ended (exit code {process.returncode})"
        return None

    def wait(self) -> None:
        """Wait for them to end, as they do when all workers are done."""
        last = time.monotonic() + LEAVING
        for process in self._processes.values():
            try:
                process.wait(max(0.0, last - time.monotonic()))
            except subprocess.TimeoutExpired:
                break
        self.stop()

    def stop(self) -> None:
        """End them at once."""
        for process in self._processes.values():
            process.kill()
            process.wait()


def ps_environment(role: str, own_address: str, address: str, port: int, workers: int) -> dict[str, str]:
    """The environment that tells MXNet its part. address, port: the scheduler's. own_address: of this machine."""
    return {
        **os.environ,
        "DMLC_ROLE": role,
        "DMLC_PS_ROOT_URI": address,
        "DMLC_PS_ROOT_PORT": str(port),
        "DMLC_NODE_HOST": own_address,
        "DMLC_NUM_WORKER": str(workers),
        "DMLC_NUM_SERVER": "1",
    }


def _free_port(address: str) -> int:
    try:
        with socket.create_server((address, 0)) as server:
            port: int = server.getsockname()[1]
            return port
    except OSError as error:
        raise UserError(f"hardware.root: no port can be opened at {address} ({error.strerror})") from None
