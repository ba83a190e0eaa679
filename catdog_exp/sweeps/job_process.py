"""The processes of jobs, as their supervisor starts them and sees them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.sweeps.jobs import sweep_in
from catdog_exp.threads import VARIABLE

ANSWER_TIMEOUT = 120.0  # seconds; the fork server imports for 2 to 10 before its first answer


class JobProcess:
    """A job's process. pid: its number. code: once it has ended, its exit code, less than 0 for a signal."""

    def __init__(self, pid: int, server: Connection) -> None:
        self.pid = pid
        self.code = 0
        self._server: Connection | None = server

    def ended(self, seconds: float | None = 0) -> bool:
        """Whether it has ended, after waiting for that for so long; None: for any time."""
        if self._server is not None:
            try:
                if not self._server.poll(seconds):
                    return False
                self.code = self._server.recv()
            except (EOFError, OSError):  # the server was killed, and the job ends with it
                self.code = -signal.SIGKILL
                _forget_server()
            self._server = None
        return True

    def end(self, patience: float) -> None:
        """Tell it to end, and kill it after so many seconds."""
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, None)):
            if not self.ended():
                os.kill(self.pid, number)  # the fork server keeps the number from other processes
                self.ended(seconds)


class ForkServer:
    """A process that forks those of jobs and ends with this one: python -m catdog_exp.sweeps.fork_server.

    address: of the socket that supervisors on this machine reach it by. Raises UserError where it cannot be started.
    """

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="catdog-"))  # for this user alone
        self.address = str(folder / "socket")
        self._owner, theirs = Pipe()
        with theirs, socket.socket(socket.AF_UNIX) as listener, _output(self.address).open("ab") as output:
            try:
                listener.bind(self.address)
            except OSError as error:
                raise UserError(f"{self.address}: no socket can be made there ({error}); set TMPDIR") from None
            listener.listen()
            inherited = theirs.fileno(), listener.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "catdog_exp.sweeps.fork_server", *map(str, inherited), self.address],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, VARIABLE: "1"},  # no thread that a fork would lose
                pass_fds=inherited,
                # Ctrl-C in a terminal is the sweep's: it ends its jobs in order.
                start_new_session=True,
            )


def _output(address: str) -> Path:
    """The file with what the fork server at that address itself has to say."""
    return Path(address).with_name("output")


_own: ForkServer | None = None  # of this process
_server: Connection | None = None  # to whichever server starts this process's jobs


def start_server() -> str:
    """Start a fork server of this process, which gets ready meanwhile. Returns its address."""
    global _own
    _own = ForkServer()
    return _own.address


def start_job(sweep: Path, number: int, environment: Mapping[str, str]) -> JobProcess:
    """Start the process of the job with this number of the sweep in the folder `sweep`, in this working directory.

    environment: its variables. What it writes goes to its log. One at a time: another may start once it has ended.
    Raises UserError where no process can be started, or there is no answer within `ANSWER_TIMEOUT`.
    """
    global _server
    server = _server = _server or _connected(sweep_in(sweep).fork_server)
    try:
        server.send((sweep, number, dict(environment), Path.cwd()))
        if not server.poll(ANSWER_TIMEOUT):
            raise TimeoutError
        pid: int = server.recv()
    except (EOFError, OSError) as error:
        server.close()  # a process that it may yet start ends at once
        _forget_server()
        late = f" within {ANSWER_TIMEOUT:g} s" if isinstance(error, TimeoutError) else ""
        address = _own.address if _own is not None else str(sweep_in(sweep).fork_server)
        raise UserError(f"its process could not be started{late}; {_output(address)} may say why") from None
    return JobProcess(pid, server)


def _connected(address: str | None) -> Connection:
    """To the fork server at `address`; where there is none, on another machine or any more, to one of this process."""
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(address or "")
    except OSError:
        link.connect(start_server())
    return Connection(link.detach())


def _forget_server() -> None:
    global _server
    _server = None
