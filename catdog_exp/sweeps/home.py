"""What jobs on machines without the sweep's folder have in its place: a Ray actor on the sweep's machine."""

from __future__ import annotations

import dataclasses
import importlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from catdog_exp.files import replacing
from catdog_exp.sweeps.jobs import stopping
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.journal import END, Journal
from catdog_exp.tracking.preparing import prepare_mlflow
from catdog_exp.tracking.sender import Sender
from catdog_exp.tracking.steering import PAUSE

Files = Mapping[str, bytes]  # contents by path, relative to the outputs


@dataclasses.dataclass
class _Attempt:
    """A job as it is under way somewhere. token: which one of all that there have been."""

    token: int
    sender: Sender | None = None
    journal: Journal | None = None


class Home:
    """Keeps the files that jobs elsewhere make in the sweep's own outputs, and talks to MLflow for them.

    A job is known by its folder, relative to the outputs. Of each one attempt counts, the newest: what an earlier one
    still sends, from a machine that had been cut off and is back, is refused.
    """

    def __init__(self, outputs: Path, sweep: Path, tracking: TrackingConfig) -> None:
        self._outputs, self._sweep, self._tracking = outputs, sweep, tracking
        self._attempts: dict[str, _Attempt] = {}
        self._tokens = 0
        self._lock = threading.Lock()

    def begin(self, job: str, training: str) -> tuple[int, Files]:
        """A new attempt at a job: its token, and what earlier ones have left of it. training: its fingerprint."""
        token = self.take_over(job)
        folders = [self._outputs / job]
        if training:
            folders.append(self._outputs / "unfinished" / training)
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return token, {path.relative_to(self._outputs).as_posix(): path.read_bytes() for path in files}

    def take_over(self, job: str) -> int:
        """End the attempt at a job that is under way here, as one on a machine with the outputs wants. Its token."""
        with self._lock:
            self._tokens += 1
            before, self._attempts[job] = self._attempts.get(job), _Attempt(self._tokens)
            token = self._tokens
        if before is not None:
            if before.journal is not None:
                with suppress(FileNotFoundError):  # all of it is sent
                    before.journal.append(END, {"status": "KILLED", "reason": None, "report": None})
            self._close(before)
        return token

    def asked(self) -> tuple[bool, str | None]:
        """Whether no new job is to begin for now, and why the sweep is to end, None where it is not."""
        return (self._sweep / PAUSE).exists(), stopping(self._sweep)

    def put(self, job: str, token: int, changed: Files, removed: Sequence[str]) -> str | None:
        """Keep changed files, and remove others. Returns why the sweep is to end, None where it is not."""
        self._attempt(job, token)
        for name, content in changed.items():
            path = self._outputs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as aside:
                aside.write_bytes(content)
        for name in removed:
            (self._outputs / name).unlink(missing_ok=True)
        return stopping(self._sweep)

    def ask(self, job: str, token: int, what: str, arguments: Sequence[Any]) -> tuple[Any, Exception | None]:
        """The answer of the `Sender`, and the error in its place. Of a journal, its name and content."""
        attempt = self._attempt(job, token)
        if attempt.sender is None:
            prepare_mlflow()
            importlib.import_module("mlflow")  # so the senders of all jobs are threads of this process
            attempt.sender = Sender(self._tracking)
        given = [self._outputs if isinstance(each, Path) else each for each in arguments]
        try:
            answer = getattr(attempt.sender, what)(*given)
        except Exception as error:
            return None, error
        if what == "start":
            run_id, link, path = answer
            attempt.journal = Journal(path)
            return (run_id, link, (path.relative_to(self._outputs).as_posix(), path.read_bytes())), None
        return answer, None

    def close(self, job: str, token: int) -> None:
        """One process of the attempt has ended: deliver what it has left."""
        self._close(self._attempt(job, token))

    def _attempt(self, job: str, token: int) -> _Attempt:
        attempt = self._attempts[job]
        if attempt.token != token:
            raise RuntimeError(f"{job} was begun again elsewhere: this attempt counts no more")
        return attempt

    def _close(self, attempt: _Attempt) -> None:
        sender, attempt.sender, attempt.journal = attempt.sender, None, None
        if sender is not None:
            sender.close()
