"""One run at MLflow, from its start to an honest end."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partialmethod
from pathlib import Path
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.ending import Status, error_line
from catdog_exp.tracking.heartbeat import presence_tags
from catdog_exp.tracking.interrupts import uninterrupted
from catdog_exp.tracking.journal import END, Journal
from catdog_exp.tracking.mlflow_log import MlflowLog
from catdog_exp.tracking.provenance import provenance_tags
from catdog_exp.tracking.run_log import PARENT, SWEEP, RunLog
from catdog_exp.tracking.sender import Sender
from catdog_exp.tracking.system_metrics import system_metrics
from catdog_exp.tracking.uris import without_password

log = logging.getLogger(__name__)

AT_START = 5.0  # seconds that the store may be away before a run has begun its work
# At its end, before it leaves what is unsent to `catdog sync`: one that was told to end has little time.
AT_END: dict[Status, float] = {"FINISHED": 10.0, "FAILED": 10.0, "KILLED": 3.0}


@contextmanager
def start_run(
    config: TrackingConfig,
    outputs: Path,
    name: str,
    tags: Mapping[str, str],
    resume: str | None = None,
    sender: Sender | None = None,
) -> Iterator[RunLog]:
    """A run that is open while the block runs, under `config.parent_run` where that is set, or `config.own_run`.

    outputs: the folder for its journal. resume: id of an earlier run of the experiment, ended or not: it goes on, in
    place of a new one. Nobody else may be at work on it. name, and tags other than the parent's, are then those that
    it has. sender: one that has been started already.

    While it is open it tells where it runs, and every 30 s that it does (`catdog_exp.tracking.heartbeat`).
    It ends FINISHED, or FAILED when the block raises an Exception (then with the tag `error` and the
    artifact `error.txt`), or KILLED when anything else ends the block, as Ctrl-C and SIGTERM do.
    What the store does not take meanwhile is kept in its journal.

    Raises UserError when the store cannot be used at the start.
    """
    if not config.enabled:
        yield RunLog()
        return
    all_tags = {**provenance_tags(), **tags}
    if config.parent_run is not None:
        all_tags[PARENT] = config.parent_run
    status: Status = "KILLED"
    failure: Exception | None = None
    made: JournalLog | None = None
    resume = config.own_run or resume
    own = sender is None
    sender = sender or Sender(config)
    try:
        with uninterrupted():
            made = JournalLog(sender, *sender.start(outputs, name, all_tags, presence_tags(), resume))
        with nullcontext() if SWEEP in tags else system_metrics(made):  # its jobs tell of it
            yield made
        status = "FINISHED"
    except Exception as error:
        status, failure = "FAILED", error
        raise
    finally:
        with uninterrupted() as came:
            if made is not None:
                made.end(status, failure, came)
            if own:
                sender.close()


class JournalLog(RunLog):
    """Writes all that a run has to log to its journal, which the sender delivers."""

    def __init__(self, sender: Sender, run_id: str, link: str, journal: Path) -> None:
        self._sender, self._journal = sender, Journal(journal)
        self.run_id, self.link = run_id, link

    def hurry(self) -> None:
        self._sender.look()

    def settle(self) -> None:
        waiting, refused = self._sender.drain(AT_START)
        if waiting or refused:
            raise UserError(waiting or refused[0])

    def end(self, status: Status, error: Exception | None = None, came: Sequence[int] = ()) -> None:
        """Give the run its last status, and wait until all is sent; a failed one gets the line of its error, and more.

        came: signals that have come. That not all can be sent is a line that says where it is.
        """
        reason = report = None
        if error is not None:
            reason = without_password(error_line(error))
            report = without_password("".join(traceback.format_exception(error)))
        self._append(END, status, reason, report)
        try:
            waiting, _ = self._sender.drain(AT_END[status], came)
        except RuntimeError as died:
            waiting = str(died)
        if waiting:
            place = self._journal.path
            log.warning("MLflow lacks the rest of the run (%s): it is in %s; `catdog sync` sends it", waiting, place)

    def _append(self, method: str, *arguments: Any, **named: Any) -> None:
        taken = inspect.signature(getattr(MlflowLog, method)).bind(self, *arguments, **named)
        taken.apply_defaults()
        with suppress(FileNotFoundError):  # the run was deleted at the store
            self._journal.append(method, dict(list(taken.arguments.items())[1:]))
        self._sender.listen()


# Each call of `RunLog` is written down in the same way.
for _name in vars(RunLog).keys() - vars(JournalLog).keys():
    if inspect.isfunction(vars(RunLog)[_name]):
        setattr(JournalLog, _name, partialmethod(JournalLog._append, _name))
