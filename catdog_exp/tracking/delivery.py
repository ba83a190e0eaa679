"""The delivery of a journal: its calls carried out at the store, in order, each once."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from catdog_exp.tracking.journal import END, Entry, Journal
from catdog_exp.tracking.mlflow_log import MlflowLog
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import is_final, meaning, plain_errors, problem

log = logging.getLogger(__name__)


AT_ONCE = 200  # steps whose metrics go in one call: a call costs as much as hundreds of metrics do
TRIES = 4  # of a call that fails though the store answers
METRICS = "metrics"  # the call that every epoch makes
LONGEST_WAIT = 5.0  # seconds between two tries
LOOK_AGAIN = 0.05  # seconds


class Delivery:
    """Sends a journal, whose lock must be held, to the store of its run.

    While the store does not answer, a call is tried again and again, and later ones wait. One that the store, or its
    place for files, refuses does not hold up later ones: it is put aside for `catdog sync`, or dropped where it can
    never be taken. Calls that were under way when a sender was killed are sent twice, which the store does not mind:
    the time of a metric is that of the journal.

    again: try what was put aside, too, without a word about what is refused again. waiting: why the last try failed,
    "" where it did not. refused: what was not taken, a line for each. sent: how many calls were taken.
    """

    def __init__(self, journal: Journal, to: MlflowLog, store: Store, again: bool = False) -> None:
        self._journal, self._to, self._store = journal, to, store
        self._cursor = journal.cursor()
        self._quiet = again
        self._again = list(self._cursor.aside) if again else []
        self._tries = self._not_before = 0.0
        self.waiting, self.refused, self.sent = "", list[str](), 0
        self._deleted, self._at_once = False, AT_ONCE

    def advance(self) -> bool:
        """Carry out the next call, if there is one and it is time. Returns whether that is now behind."""
        if time.monotonic() < self._not_before or not (entries := self._next()):
            return False
        try:
            self._carry_out(entries)
        except Exception as error:
            if self._may_pass(error):
                return False
            if self._deleted:
                return True
            if len(entries) > 1:  # which of them it is
                self._at_once = 1
                return True
            self._refuse(entries[0], error)
        else:
            for entry in entries:
                self._behind(entry, aside=False)
            self._at_once = AT_ONCE
            self.sent += len(entries)
        self._journal.keep(self._cursor)
        return True

    def drain(self, patience: float) -> str:
        """Carry out all that is in the journal. Returns "", or what is wrong where the store is away for so long."""
        since = time.monotonic()
        while not self.is_done():
            if self.advance():
                since = time.monotonic()
            elif self.waiting and time.monotonic() - since > patience:
                return self.waiting
            elif not self.is_done():
                time.sleep(LOOK_AGAIN)
        return ""

    def is_done(self) -> bool:
        """Whether there is nothing more to carry out for now."""
        return self._deleted or not self._next()

    def close(self, is_over: bool) -> None:
        """Remove the journal if nothing is left in it. is_over: nobody will write to it, ended or not."""
        if self._deleted or ((self._cursor.ended or is_over) and self.is_done() and not self._cursor.aside):
            self._journal.remove()

    def _next(self) -> list[Entry]:
        """The next call; of metrics, with those of further steps that follow."""
        first = self._journal.entry_at(self._again[0] if self._again else self._cursor.place)
        if first is None or first.method != METRICS or self._again:
            return [] if first is None else [first]
        found = [first]
        while len(found) < self._at_once:
            following = self._journal.entry_at(found[-1].end)
            if following is None or following.method != METRICS:
                break
            found.append(following)
        return found

    def _carry_out(self, entries: Sequence[Entry]) -> None:
        if len(entries) > 1:
            steps = [each.arguments for each in entries]
            self._to.metrics_of(
                [
                    (of["values"], of["step"], of["figures"] or {}, each.time)
                    for of, each in zip(steps, entries, strict=True)
                ]
            )
        else:
            self._to.now = entries[0].time
            getattr(self._to, entries[0].method)(**entries[0].arguments)

    def _behind(self, entry: Entry, aside: bool) -> None:
        if self.waiting:
            log.info("the MLflow store %s answers again", self._store.shown)
        self.waiting, self._tries = "", 0
        if self._again:
            del self._again[0]
            if not aside:
                self._cursor.aside.remove(entry.start)
        else:
            self._cursor.place = entry.end
            if aside:
                self._cursor.aside.append(entry.start)
        self._cursor.ended |= entry.method == END

    def _may_pass(self, error: Exception) -> bool:
        """Whether to try again later: the store does not answer, or what it says may change soon."""
        try:
            with plain_errors(self._store.shown):
                run = self._store.client.get_run(self._to.run_id or "")
            self._deleted = run.info.lifecycle_stage == "deleted"
        except Exception as away:
            self._deleted = getattr(away.__cause__, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"
            if not self._deleted:
                self._wait(meaning(str(away)) or "it does not answer")
                return True
        if self._deleted:
            log.warning("run %s was deleted at %s: nothing more is logged", self._to.run_id, self._store.shown)
            return False
        if is_final(error) or self._tries >= TRIES:
            return False
        self._wait(problem(error))
        return True

    def _wait(self, why: str) -> None:
        if not self.waiting:
            log.warning("the MLflow store %s: %s; the run goes on", self._store.shown, why)
        self.waiting = why
        self._not_before = time.monotonic() + min(LONGEST_WAIT, 0.25 * 2**self._tries)
        self._tries += 1

    def _refuse(self, entry: Entry, error: Exception) -> None:
        path = next((value for value in entry.arguments.values() if isinstance(value, Path)), None)
        if path is not None and path.exists():
            line = f"{path.name} is not logged, it stays in {path.parent}: {problem(error)}"
            self._behind(entry, aside=True)
            if not self._quiet:
                log.warning("%s; `catdog sync` tries again", line)
                if entry.method == "artifact":
                    self._keep_in_place(path, entry.arguments["folder"])
        else:
            line = f"{entry.method} of run {self._to.run_id} cannot be logged: {problem(error)}"
            if line not in self.refused:  # as it may be of every epoch
                log.warning("%s", line)
            self._behind(entry, aside=False)
        self.refused.append(line)

    def _keep_in_place(self, path: Path, folder: str) -> None:
        try:
            self._to.keep_in_place(path, folder)
        except Exception as error:
            log.warning("%s", problem(error))
