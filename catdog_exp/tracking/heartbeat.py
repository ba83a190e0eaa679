"""Whether a run is being worked on: by which process it is, and when that last gave a sign of life."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.background import in_background
from catdog_exp.tracking.limits import HIDDEN
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import problem

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)

# Tags of a run: where it runs, or ran last; seconds since the epoch as text.
HOST, PID = f"{HIDDEN}host", f"{HIDDEN}pid"
PROCESS_STARTED, HEARTBEAT = f"{HIDDEN}process_started", f"{HIDDEN}heartbeat"
PID_SPACE = f"{HIDDEN}pid_space"  # tag: within which `pid` is one process's number
PAUSED = f"{HIDDEN}paused"  # tag: seconds in all that passed between an interruption of the run and its resumption

BEAT = 30.0  # seconds between two signs of life
SILENCE = 150.0  # seconds without one, after which a run whose process cannot be seen is taken for dead
SAME_START = 5.0  # seconds by which a process's start may seem to move, as the system's clock is set
JOIN_TIMEOUT = 10.0  # seconds that the end of a run waits for a beat that is on its way


def presence_tags() -> dict[str, str]:
    """The tags that tell that this process, now, works on a run: where it is seen, since when, its sign of life."""
    import psutil

    return {
        HOST: socket.gethostname(),
        PID: str(os.getpid()),
        PID_SPACE: _pid_space(),
        PROCESS_STARTED: f"{psutil.Process().create_time():.2f}",
        HEARTBEAT: _now(),
    }


def is_alive(status: str, tags: Mapping[str, str]) -> bool:
    """Whether a run with this status at MLflow and these tags is being worked on.

    Where its process can be seen, it must live, the same one and not a later one with its number. Elsewhere, in another
    container or before the machine was last started, its heartbeat must be younger than 150 s. A run without these tags
    is not alive.
    """
    if status != "RUNNING":
        return False
    if tags.get(PID_SPACE) == _pid_space() and not _is_hidden(_number(tags, PID)):
        return process_lives(_number(tags, PID), _number(tags, PROCESS_STARTED))
    return time.time() - _number(tags, HEARTBEAT) < SILENCE


def is_stale(status: str, tags: Mapping[str, str]) -> bool:
    """Whether a run is RUNNING at MLflow but dead in fact. Of a run without a heartbeat that is not known: False."""
    return status == "RUNNING" and HEARTBEAT in tags and not is_alive(status, tags)


def last_sign(run: Run) -> float:
    """When the run was last worked on, in seconds since the epoch: now, where it is alive."""
    if is_alive(run.info.status, run.data.tags):
        return time.time()
    if run.info.status == "RUNNING" or run.info.end_time is None:  # of a resumed run, the end that stands is an old one
        return _number(run.data.tags, HEARTBEAT) or float(run.info.start_time) / 1000
    return float(run.info.end_time) / 1000


def seconds_worked(run: Run) -> float:
    """How long the run has been worked on, in seconds, without the time between interruptions and resumptions."""
    return max(0.0, last_sign(run) - float(run.info.start_time) / 1000 - _number(run.data.tags, PAUSED))


def resumption_tags(run: Run, presence: Mapping[str, str]) -> dict[str, str]:
    """The tags of an earlier run that the process with the tags `presence` takes over now."""
    paused = _number(run.data.tags, PAUSED) + time.time() - last_sign(run)
    return {**presence, PAUSED: f"{paused:.3f}"}


@contextmanager
def beating(store: Store, run_id: str) -> Iterator[None]:
    """Renew the run's sign of life every 30 s while the block runs, from a thread of its own.

    That the store fails then is told once, as a warning, and changes nothing else.
    """
    # Not waited for without end: a server that hangs must not hold up the process.
    with in_background("heartbeat", partial(_beat, store, run_id), JOIN_TIMEOUT):
        yield


def _beat(store: Store, run_id: str, ended: threading.Event) -> None:
    told = False
    while not ended.wait(BEAT):
        try:
            store.client.set_tag(run_id, HEARTBEAT, _now())
        except Exception as error:
            if not told:
                log.warning("run %s: its sign of life could not be logged: %s", run_id[:8], problem(error))
            told = True


def process_lives(pid: float, started: float) -> bool:
    """Whether the process of this machine with this number, which started so many seconds after the epoch, is there."""
    import psutil

    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - started) < SAME_START
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):  # no such process, or a number that none can have
        return False


def _is_hidden(pid: float) -> bool:
    """Whether there is a process with this number of which the system tells this user nothing else."""
    try:
        os.kill(int(pid), 0)
    except PermissionError:  # as of all that are another user's
        return not Path(f"/proc/{int(pid)}").exists()
    except (OSError, ValueError, OverflowError):  # there is none
        return False
    return False


@cache
def _pid_space() -> str:
    """Within which a process has its number: this start of this machine, and of its containers this one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux, or nothing mounted there
        return socket.gethostname()


def _now() -> str:
    return f"{time.time():.3f}"


def _number(tags: Mapping[str, str], name: str) -> float:
    """A tag's number; 0 where there is none, as anyone may edit tags."""
    try:
        return float(tags.get(name, "0"))
    except ValueError:
        return 0.0
