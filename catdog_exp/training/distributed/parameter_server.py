"""The two processes that MXNet's `dist_sync` needs beside the workers: ps-lite's scheduler and its server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress

# MXNet takes its part from the environment while it is imported, and ends the process when the workers are
# done. The process ends with worker 0, whatever ends that one: its standard input is a pipe from there.
_CODE = """import os, sys, threading
sys.path[:] = sys.argv[1:]
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
import catdog_exp.mx
"""


class ParameterServer:
    """A scheduler at `root`, an address of this machine and a port, and a server for so many workers, running."""

    def __init__(self, root: tuple[str, int], workers: int) -> None:
        quiet = subprocess.DEVNULL
        self._processes = {
            role: subprocess.Popen(
                [sys.executable, "-c", _CODE, *sys.path],
                env={**os.environ, **ps_environment(role, root, workers)},
                stdin=subprocess.PIPE,
                stdout=quiet,
                stderr=quiet,
            )
            for role in ("scheduler", "server")
        }

    def problem(self) -> str | None:
        """One line when one of them has failed, None while both run, and once they have ended well."""
        for role, process in self._processes.items():
            if process.poll():
                return f"MXNet's {role} beside worker 0 has ended (exit code {process.returncode})"
        return None

    def stop(self, patience: float = 0.0) -> None:
        """End them, once they had so many seconds to end by themselves, as they do when all workers are done."""
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
            process.kill()
            process.wait()


def ps_environment(role: str, root: tuple[str, int], workers: int) -> dict[str, str]:
    """The variables that tell MXNet its part. root: address and port of the scheduler."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:  # which of this machine's addresses it sees
        towards.connect(root)
        own: str = towards.getsockname()[0]
    return {
        "DMLC_ROLE": role,
        "DMLC_PS_ROOT_URI": socket.gethostbyname(root[0]),
        "DMLC_PS_ROOT_PORT": str(root[1]),
        "DMLC_NODE_HOST": own,
        "DMLC_NUM_WORKER": str(workers),
        "DMLC_NUM_SERVER": "1",
    }
