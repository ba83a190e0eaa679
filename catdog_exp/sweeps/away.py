"""A job on a machine without the sweep's folder: in a folder of its own, whose files go to the sweep's `Home`."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps.attempts import Attempts
from catdog_exp.sweeps.elsewhere import LOOK_AGAIN, LOOK_EVERY
from catdog_exp.sweeps.home import Files
from catdog_exp.sweeps.jobs import Job, Outcome, mark_node
from catdog_exp.threads import VARIABLE
from catdog_exp.tracking.sender import FORWARDED
from catdog_exp.tracking.steering import STOP

SEND_EVERY = 1.0  # seconds between two looks at its files
SHARED = ("packs", "pictures")  # folders of the outputs that all jobs on this machine share
_PACKS = re.compile(rb'"__path__": "(packs/[^"]+)"')  # a file of a pack in a journal

Call = Callable[..., Any]  # calls a method of the sweep's `Home`


def attend_away(call: Call, outputs: Path, sweep: Path, parent_run: str | None, job: Job, cores: str) -> Outcome:
    """Run a job from its start to its end. outputs, sweep: the folders on the sweep's machine."""
    while (asked := call("asked"))[0] and asked[1] is None:
        time.sleep(LOOK_AGAIN)
    if asked[1] is not None:
        return Outcome("stopped", reason=f"not begun: {asked[1]}")
    place = (sweep / str(job.number)).relative_to(outputs).as_posix()
    token, files = call("begin", place, job.fingerprint)
    shelf = read(RunConfig, job.settings).paths.cache_folder / "ray"
    name = place.replace("/", "-")
    own = shelf / "jobs" / f"{name}-{token}"
    for earlier in own.parent.glob(f"{name}-*"):  # attempts that came to no end
        shutil.rmtree(earlier, ignore_errors=True)
    own.mkdir(parents=True)
    for name in SHARED:
        (shelf / name).mkdir(exist_ok=True)
        (own / name).symlink_to(shelf / name)
    for name, content in files.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_bytes(content)
    here = own / sweep.relative_to(outputs)
    mark_node(own / place)
    states = [own / "unfinished" / job.fingerprint] if job.fingerprint else []
    mirror = _Mirror(own, [own / place, *states], files)
    lock = threading.Lock()

    def send() -> None:
        with lock:
            why = call("put", place, token, *mirror.changes())
        if why is not None:
            (here / STOP).write_text(why, encoding="utf-8")

    def ask(what: str, arguments: Any) -> tuple[Any, Exception | None]:
        send()
        answer, error = call("ask", place, token, what, arguments)
        if what == "start" and error is None:
            run_id, link, (name, content) = answer
            mirror.journal = own / name
            mirror.journal.parent.mkdir(exist_ok=True)
            mirror.journal.write_bytes(content)
            answer = run_id, link, mirror.journal
        return answer, error

    def ended() -> None:
        send()
        call("close", place, token)

    moved = dataclasses.replace(job, settings=_moved(job.settings, str(outputs), str(own)))
    if job.trial is not None and not Path(job.trial.storage).exists():
        moved = dataclasses.replace(moved, trial=None)  # the study is not here: the trial is not given up early
    with tempfile.TemporaryDirectory() as folder, Listener(str(Path(folder, "sender"))) as listener:
        threading.Thread(target=_forward, args=(listener, ask, ended), daemon=True).start()
        environment = {FORWARDED: str(listener.address), VARIABLE: cores}
        attempts = Attempts(here, parent_run, moved, environment)
        sent = 0.0
        try:
            while (outcome := attempts.poll()) is None:
                if time.monotonic() - sent > SEND_EVERY:
                    send()
                    sent = time.monotonic()
                time.sleep(LOOK_EVERY)
            ended()
        finally:
            attempts.kill()
    shutil.rmtree(own, ignore_errors=True)
    return outcome


class _Mirror:
    """What has changed of a job's files since they were last sent. journal: that is written to, if there is one."""

    def __init__(self, outputs: Path, folders: list[Path], files: Files) -> None:
        self._outputs, self._folders = outputs, folders
        self._sent: dict[Path, tuple[int, int]] = {}
        self._sent = {path: _version(path) for path in map(outputs.joinpath, files)}
        self.journal: Path | None = None

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """Contents by name, a journal after the files that are named in it; and the names of files that are gone."""
        journal = b""
        if self.journal is not None and self.journal.exists():
            journal = self.journal.read_bytes()
        found = [path for folder in self._folders for path in folder.rglob("*") if _is_whole(path)]
        changed: dict[str, bytes] = {}
        for path in found:
            with suppress(FileNotFoundError):
                version = _version(path)
                if self._sent.get(path) != version:
                    changed[self._name(path)] = path.read_bytes()
                    self._sent[path] = version
        removed = [path for path in self._sent if path not in found and not path.exists()]
        for path in removed:
            del self._sent[path]
        if self.journal is not None and journal and self._sent.get(self.journal) != (version := (0, len(journal))):
            # Of a pack, which stays here, the files that are to be logged go with the job's.
            place = self._name(self._folders[0])
            for name in map(bytes.decode, _PACKS.findall(journal)):
                changed[f"{place}/{name}"] = (self._outputs / name).read_bytes()
            changed[self._name(self.journal)] = _PACKS.sub(rb'"__path__": "' + place.encode() + rb'/\1"', journal)
            self._sent[self.journal] = version
        return changed, [self._name(path) for path in removed if path != self.journal]

    def _name(self, path: Path) -> str:
        return path.relative_to(self._outputs).as_posix()


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _is_whole(path: Path) -> bool:
    return path.is_file() and not path.name.endswith(".aside")


def _moved(value: Any, before: str, now: str) -> Any:
    """Settings with the folder `now` in place of `before` in each path."""
    if isinstance(value, Mapping):
        return {key: _moved(each, before, now) for key, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, before, now) for each in value]
    if isinstance(value, str) and (value == before or value.startswith(f"{before}/")):
        return now + value.removeprefix(before)
    return value


def _forward(listener: Listener, ask: Call, ended: Call) -> None:
    """Hand on what the job's processes, one after the other, ask their `Sender`."""
    while True:
        try:
            connection = listener.accept()
        except OSError:  # it is closed
            return
        with connection, suppress(EOFError, OSError):
            while True:
                number, what, arguments = connection.recv()
                connection.send((number, *ask(what, arguments)))
        with suppress(Exception):  # it is told elsewhere that this attempt counts no more
            ended()
