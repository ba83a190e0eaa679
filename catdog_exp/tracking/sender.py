"""Who talks to MLflow for a run: a process beside it, which the run waits for at its start and its end alone.

That process imports MLflow while the run's own composes and packs, answers its look-up for earlier runs, makes its run
and delivers its journal. It outlasts the run's, when that is killed, until all is delivered or the store is away.
Where MLflow is imported already, as in a sweep's jobs, a thread does the same.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.interrupts import uninterrupted
from catdog_exp.tracking.sender_process import SenderProcess

if TYPE_CHECKING:
    from catdog_exp.tracking.run_lookup import Earlier, State

# Variable: the socket of a process that hands on what is asked, where the store is not here.
FORWARDED = "CATDOG_SENDER"
JOIN_TIMEOUT = 10.0  # seconds that the end of a run waits for the thread to end
LOOK_EVERY = 0.1  # seconds between two looks at the journal, and at the pipe


class Sender:
    """A run's side of it."""

    def __init__(self, config: TrackingConfig, process: SenderProcess | None = None) -> None:
        """process: started before the config was known, None: it is to be started now."""
        self._thread: threading.Thread | None = None
        self._process: SenderProcess | None = None
        self._caller = threading.get_ident()
        self._asked, self._has_run = 0, False
        if FORWARDED in os.environ:
            self._connection: Connection = Client(os.environ[FORWARDED])
            return
        if process is None and "mlflow" in sys.modules:
            from catdog_exp.tracking.service import Service

            self._connection, theirs = Pipe()
            service = Service(theirs, config)
            self._thread = threading.Thread(target=service.serve, name="sender", daemon=True)
            self._thread.start()
            return
        self._process = process or SenderProcess()
        self._process.is_taken = True
        self._connection = self._process.connection
        with suppress(OSError):  # what asks it for something tells that it has died
            self._connection.send(config)

    def earlier_runs(self, outputs: Path, fingerprints: Sequence[str], order: Sequence[State]) -> dict[str, Earlier]:
        """As `run_lookup.earlier_runs`, once what earlier attempts have left in a folder of outputs is sent."""
        found: dict[str, Earlier] = self._ask("earlier_runs", outputs, fingerprints, order)
        return found

    def find_parent(self, sweep: str) -> str | None:
        """As `run_lookup.find_parent`."""
        found: str | None = self._ask("find_parent", sweep)
        return found

    def close_run(self, run_id: str) -> None:
        """As `run_lookup.close_run`."""
        self._ask("close_run", run_id)

    def start(
        self, outputs: Path, name: str, tags: Mapping[str, str], presence: Mapping[str, str], resume: str | None
    ) -> tuple[str, str, Path]:
        """Make a run, or go on with one, and deliver its journal from now on. Returns its id, its link, the journal.

        outputs: the folder for the journal. presence: the tags of this process. resume: id of an earlier run.

        Raises UserError when the store cannot be used.
        """
        self._has_run = True
        run_id, link, journal = self._ask("start", outputs, name, tags, presence, resume)
        return run_id, link, journal

    def drain(self, patience: float, came: Sequence[int] = ()) -> tuple[str, list[str]]:
        """Wait until all of the journal is sent, or the store has been away for so long, in seconds.

        came: signals to end; once there is one, nothing is waited for longer than that. Returns what is wrong
        with the store, "" where nothing is, and a line for each call that it has refused.
        """
        waiting, refused = self._ask("drain", patience, longest=patience, came=came)
        return waiting, refused

    def look(self) -> None:
        """Have it look at the journal now, and send what is there; this is not waited for."""
        self._asked += 1
        with suppress(OSError):  # what asks it for something tells that it has died
            self._connection.send((self._asked, "look", ()))

    def close(self) -> None:
        """End it, once it has delivered what it can."""
        self.listen()
        self._connection.close()
        if self._process is not None:
            if self._has_run:
                self._process.wait()
            else:
                self._process.kill()
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT)

    def listen(self) -> None:
        """Log what it has to say; in the thread alone that asks it, who is to get the answers."""
        with suppress(EOFError, OSError):
            while threading.get_ident() == self._caller and self._connection.poll():
                self._receive()

    def _ask(self, what: str, *arguments: Any, longest: float = 0.0, came: Sequence[int] = ()) -> Any:
        self._asked += 1
        since = time.monotonic()
        try:
            self._connection.send((self._asked, what, arguments))
            while True:
                if not self._connection.poll(LOOK_EVERY):
                    if came and time.monotonic() - since > longest:
                        return "its end was not waited for", []
                    continue
                answer = self._receive()
                if answer is not None and answer[0] == self._asked:
                    break
        except (EOFError, OSError):
            raise RuntimeError("the process that talks to MLflow has died") from None
        _, result, error = answer
        if error is not None:
            raise error
        return result

    def _receive(self) -> tuple[int, Any, Exception | None] | None:
        """The next answer, with the number of its question; None for a line to be logged, which is."""
        with uninterrupted():  # half a message would leave the rest of it
            number, *content = self._connection.recv()
        if number == 0:
            name, level, line = content
            logging.getLogger(name).log(level, "%s", line)
            return None
        return number, content[0], content[1]
