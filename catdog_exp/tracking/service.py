"""The far side of a run's `Sender`: answers what the run asks, and delivers its journal."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from catdog_exp.collection import uncollected
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.delivery import LONGEST_WAIT, Delivery
from catdog_exp.tracking.heartbeat import beating
from catdog_exp.tracking.interrupts import SIGNALS
from catdog_exp.tracking.journal import Header, new_journal
from catdog_exp.tracking.mlflow_log import MlflowLog, create_run, take_over
from catdog_exp.tracking.preparing import prepare_mlflow
from catdog_exp.tracking.run_lookup import FINGERPRINT, Earlier, State, close_run, earlier_runs, find_parent
from catdog_exp.tracking.server import Away
from catdog_exp.tracking.steering import FOLDER, obeying
from catdog_exp.tracking.store import open_store
from catdog_exp.tracking.sync import send_unsent
from catdog_exp.tracking.uris import SQLITE

# What is slow to import, and needed beside MLflow itself.
AT_A_SERVER = ("mlflow.store.tracking.rest_store",)
IN_A_FILE = ("mlflow.store.tracking.sqlalchemy_store", "sqlalchemy.dialects.sqlite")
LOOK_EVERY = 2.0  # seconds between two looks at the journal: more often would cost the training more
JOB_PATIENCE = 600.0  # seconds that a sweep's job waits at its start for a server that is away
PATIENCE = 10.0  # seconds that the store may be away once the run's process is gone

log = logging.getLogger(__name__)


class Service:
    """Serves a run's process, at the other end of `connection`, until that is gone.

    run_lives: whether it is there; None: the service is a thread of it.
    """

    def __init__(
        self, connection: Connection, config: TrackingConfig, run_lives: Callable[[], bool] | None = None
    ) -> None:
        self._connection, self._config = connection, config
        self._is_thread, self._run_lives = run_lives is None, run_lives or (lambda: True)
        self._delivery: Delivery | None = None
        self._patience = PATIENCE
        self._stack = ExitStack()

    def serve(self) -> None:
        """Answer and deliver; once the run's process is gone, deliver what is left."""
        with self._stack:
            with suppress(EOFError, OSError):
                while self._run_lives():
                    moved = self._delivery is not None and self._delivery.advance()
                    if self._connection.poll(0 if moved else LOOK_EVERY):
                        number, what, arguments = self._connection.recv()
                        self._connection.send((number, *self._answer(what, arguments)))
            if self._delivery is not None:
                self._delivery.drain(self._patience)
                self._delivery.close(is_over=True)

    def earlier_runs(self, outputs: Path, fingerprints: Sequence[str], order: Sequence[State]) -> dict[str, Earlier]:
        list(send_unsent(self._config, outputs, fingerprints))
        return earlier_runs(self._config, fingerprints, order)

    def find_parent(self, sweep: str) -> str | None:
        return find_parent(self._config, sweep)

    def close_run(self, run_id: str) -> None:
        close_run(self._config, run_id)

    def start(
        self, outputs: Path, name: str, tags: Mapping[str, str], presence: Mapping[str, str], resume: str | None
    ) -> tuple[str, str, Path]:
        store = open_store(self._config)
        new_journal(outputs, "")  # before there is a run without one
        if resume is None:
            run = create_run(store, name, {**tags, **presence})
        else:
            run = take_over(store, resume, tags, presence)
        run_id = str(run.info.run_id)
        journal = new_journal(outputs, run_id)
        self._stack.enter_context(journal.lock())
        journal.begin(
            Header(
                run_id=run_id,
                name=run.info.run_name or run_id,
                store=journal.store(store.uri),
                experiment=store.experiment,
                fingerprint=tags.get(FINGERPRINT, ""),
                presence=dict(presence),
            )
        )
        if not self._is_thread:  # what MLflow writes on its way to the run's files, and a kill would leave
            with suppress(OSError):  # a full disk is no reason not to send what needs none
                tempfile.tempdir = str(journal.temporary_folder())
        to = MlflowLog(store, run)
        self._delivery = Delivery(journal, to, store)
        self._stack.enter_context(beating(store, run_id))
        if FOLDER in tags:
            self._stack.enter_context(obeying(store, run_id, Path(tags[FOLDER])))
        return run_id, to.link, journal.path

    def look(self) -> None:
        """Nothing: what comes over the connection is followed by a look at the journal."""

    def drain(self, patience: float) -> tuple[str, list[str]]:
        assert self._delivery is not None
        waiting = self._delivery.drain(patience)
        self._delivery.close(is_over=False)
        self._patience = 0.0 if waiting else PATIENCE  # the run has waited already
        refused, self._delivery.refused = self._delivery.refused, []
        return waiting, refused

    def _answer(self, what: str, arguments: Sequence[Any]) -> tuple[Any, Exception | None]:
        try:
            return self._once_it_answers(partial(getattr(self, what), *arguments)), None
        except Exception as error:
            error.add_note(traceback.format_exc())
            error.__cause__ = None
            return None, error

    def _once_it_answers(self, call: Callable[[], Any]) -> Any:
        """What `call` returns. A sweep's jobs wait for the server, else they would fail one after the other."""
        last = time.monotonic() + (JOB_PATIENCE if self._config.parent_run is not None else 0)
        while True:
            try:
                return call()
            except Away as away:
                # What can be read from a run that waits for an answer is its end.
                if time.monotonic() > last or self._connection.poll(LONGEST_WAIT) or not self._run_lives():
                    raise
                log.info("%s; the job waits for it", away)


def main(connection: str, run_pid: str) -> None:
    """Serve the process that started this one. connection: file descriptor. run_pid: that process's number."""
    for number in SIGNALS:  # which are the run's to hear: it says here what is to be done then
        signal.signal(number, signal.SIG_IGN)
    line = _Line(int(connection))
    logger = logging.getLogger("catdog_exp")
    logger.setLevel(logging.INFO)
    logger.addHandler(_ToRun(line))
    try:
        prepare_mlflow()
        with uncollected():
            importlib.import_module("mlflow")
            config = line.recv()
            for name in IN_A_FILE if config.uri.startswith(SQLITE) else AT_A_SERVER:
                importlib.import_module(name)
        Service(line, config, lambda: os.getppid() == int(run_pid)).serve()
    except EOFError:
        pass  # the run's process has ended before it knew what to log, and where
    except Exception:
        logger.exception("the process that talks to MLflow fails")
    finally:
        os._exit(0)  # what libraries do at an exit would take longer than all of this


class _Line(Connection):
    """A connection that several threads send to."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        with self._lock:
            super().send(message)


class _ToRun(logging.Handler):
    """Has the run's process log what this one has to say."""

    def __init__(self, line: _Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # it is gone
            self._line.send((0, record.name, record.levelno, self.format(record)))
