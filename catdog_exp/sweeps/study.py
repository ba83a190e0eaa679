"""An Optuna study in a SQLite file, opened safely by any number of processes at once."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

from catdog_exp.errors import UserError
from catdog_exp.tracking.heartbeat import process_lives

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

Direction = Literal["minimize", "maximize"]

LOCK_TIMEOUT = 120  # seconds; each process holds the lock for a fraction of one
BUSY_TIMEOUT = 60  # seconds that another process may hold the database

_OWNER = "owner"  # what is noted with a trial: who does it, and for which job


@contextmanager
def locked(file: Path, name: str, *, create: Direction | None = None) -> Iterator[Study]:
    """The study `name` in `file`, with no other process in this block; `create`: makes it,
    to minimize or to maximize.

    Raises UserError when the file cannot be used or another process does not give it free.
    """
    optuna = _optuna()
    from filelock import FileLock, Timeout
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with FileLock(f"{file}.lock", timeout=LOCK_TIMEOUT):
            yield _open(file, name, create)
    except Timeout:
        raise UserError(f"{file}: another process has held {file}.lock for {LOCK_TIMEOUT} s") from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise UserError(f"{file} cannot be used as Optuna's storage: {str(error).splitlines()[0]}") from error


def opened(file: Path, name: str) -> Study:
    """The study, for as long as the caller likes, beside others. Raises as `locked` does."""
    with locked(file, name) as study:
        return study


def _open(file: Path, name: str, create: Direction | None) -> Study:
    import optuna

    wait = {"connect_args": {"timeout": BUSY_TIMEOUT}}
    storage = optuna.storages.RDBStorage(f"sqlite:///{file}", engine_kwargs=wait)
    if create is None:
        return optuna.load_study(study_name=name, storage=storage)
    return optuna.create_study(study_name=name, storage=storage, direction=create, load_if_exists=True)


def _optuna() -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


@dataclass(frozen=True)
class Standing:
    """A study's trials as one job sees them.

    done: complete or given up. left: what a process that is gone has begun. alive: under way now.
    elsewhere: begun on another machine for another sweep, which cannot be asked whether it lives.
    """

    done: int
    left: list[FrozenTrial]
    alive: list[FrozenTrial]
    elsewhere: list[FrozenTrial]


def standing(study: Study, folder: Path, number: int | None = None) -> Standing:
    """How far the study is, seen from job `number` of the sweep in `folder`, within `locked`."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    found = Standing(sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials), [], [], [])
    for trial in trials:
        if trial.state != TrialState.RUNNING:
            continue
        owner = trial.user_attrs.get(_OWNER)
        if owner is None:  # its process was killed while it asked: some of its parameters are not there
            study.tell(trial.number, state=TrialState.FAIL)
            continue
        ours = owner["sweep"] == str(folder)
        lives = _lives(owner)
        if ours and owner["job"] == number:  # its job is launched again
            found.left.insert(0, trial)
        elif lives or (lives is None and ours):
            found.alive.append(trial)
        else:
            (found.elsewhere if lives is None else found.left).append(trial)
    return found


def begun(study: Study, folder: Path) -> int:
    """How many trials the sweep in `folder` has begun or taken over."""
    owners = [trial.user_attrs.get(_OWNER) for trial in study.get_trials(deepcopy=False)]
    return sum(owner is not None and owner["sweep"] == str(folder) for owner in owners)


def own(trial: Trial, folder: Path, number: int) -> None:
    """Note that this process does the trial, for job `number` of the sweep in `folder`."""
    process = psutil.Process()
    owner = {"host": socket.gethostname(), "pid": process.pid, "started": str(process.create_time())}
    trial.set_user_attr(_OWNER, {**owner, "sweep": str(folder), "job": number})


def _lives(owner: dict[str, Any]) -> bool | None:
    """Whether the process that does a trial is there; None when it is another machine's."""
    if owner["host"] != socket.gethostname():
        return None
    if owner["pid"] == os.getpid():
        return False  # a process does one job after the other: it has left the earlier one
    return process_lives(owner["pid"], float(owner["started"]))
