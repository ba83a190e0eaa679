"""The processes of jobs, as their supervisor starts them and sees them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Pipe
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.sweeps.jobs import LOG


class JobProcess:
    """A job's process. pid: its number. code: once it has ended, its exit code, less than 0 for a signal."""

    def __init__(self, pid: int, server: _ForkServer) -> None:
        self.pid = pid
        self.code = 0
        self._server: _ForkServer | None = server

    def ended(self, seconds: float | None = 0) -> bool:
        """Whether it has ended, after waiting for that for so long; None: for any time."""
        if self._server is not None and (code := self._server.exit_code(seconds)) is not None:
            self.code, self._server = code, None
        return self._server is None

    def end(self, patience: float) -> None:
        """Tell it to end, and kill it after so many seconds."""
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, None)):
            if not self.ended():
                os.kill(self.pid, number)  # the fork server keeps the number from other processes
                self.ended(seconds)


class _ForkServer:
    """A process that forks those of jobs, one at a time, and ends with this one.

    given: environment variables and working directory. Its own errors go to the file `output`.
    """

    def __init__(self, given: tuple[Mapping[str, str], Path], output: Path) -> None:
        self.given = given
        environment, folder = given
        self._connection, theirs = Pipe()
        with theirs, output.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "catdog_exp.sweeps.fork_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                cwd=folder,
                pass_fds=[theirs.fileno()],
                # Ctrl-C in a terminal is the sweep's: it ends its jobs in order.
                start_new_session=True,
            )

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def start(self, sweep: Path, number: int) -> int:
        """Fork the process of the job with this number of a sweep. Returns its process's number."""
        try:
            self._connection.send((sweep, number))
            pid: int = self._connection.recv()
        except (EOFError, OSError):
            self._process.wait()
            raise UserError(f"its process could not be started; {LOG} in its folder may say why") from None
        return pid

    def exit_code(self, seconds: float | None) -> int | None:
        """That of the job's process, None while it runs; of this one, if it was ended, which ends the job too."""
        try:
            return self._connection.recv() if self._connection.poll(seconds) else None
        except (EOFError, OSError):
            return self._process.wait()


_server: _ForkServer | None = None


def start_job(sweep: Path, number: int, environment: Mapping[str, str]) -> JobProcess:
    """Start the process of the job with this number of the sweep in the folder `sweep`, in this working directory.

    environment: its variables. What it writes goes to its log. One at a time: another may start once it has ended.
    Raises UserError where no process can be started.
    """
    global _server
    given = dict(environment), Path.cwd()
    if _server is None or _server.given != given or not _server.lives:
        _server = _ForkServer(given, sweep / str(number) / LOG)
    return JobProcess(_server.start(sweep, number), _server)
