"""The process beside a run that talks to MLflow: started first of all, for it takes seconds to get ready."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe

LONGEST_WAIT = 1.0  # seconds

# Hands this process's search path on: the program need not be installed.
_START = "import sys; sys.path[:] = sys.argv[3:]; from catdog_exp.tracking.service import main; main(*sys.argv[1:3])"


class SenderProcess:
    """It waits for the config of a run's tracking, and for questions, at the other end of `connection`.

    is_taken: by a `Sender`, which ends it.
    """

    def __init__(self) -> None:
        self.is_taken = False
        self.connection, theirs = Pipe()
        number = theirs.fileno()
        command = [sys.executable, "-P", "-c", _START, str(number), str(os.getpid()), *sys.path]
        # In a session of its own: what ends the run's process is not to end this one.
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, stdin=quiet, stdout=quiet, stderr=quiet, pass_fds=[number], start_new_session=True
        )
        theirs.close()

    def wait(self) -> None:
        """Wait a moment for its own end, as it is to be expected once the connection is closed."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LONGEST_WAIT)

    def kill(self) -> None:
        """End it at once: it has nothing to deliver."""
        self.connection.close()
        self._process.kill()
        self._process.wait()
