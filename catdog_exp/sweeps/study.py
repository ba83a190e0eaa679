"""An Optuna study in a SQLite file, opened safely by any number of processes at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import psutil

from catdog_exp.errors import UserError
from catdog_exp.sweeps.jobs import TrialOf
from catdog_exp.sweeps.samplers import pruner
from catdog_exp.tracking.heartbeat import process_lives

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

Direction = Literal["minimize", "maximize"]

LOCK_TIMEOUT = 120  # seconds; each process holds the lock for a fraction of one
BUSY_TIMEOUT = 60  # seconds that another process may hold the database

PRUNER, STARTUP, WARMUP = "pruner", "startup_trials", "warmup_epochs"  # what a study notes for its trials' reporters
_OWNER = "owner"  # what is noted with a trial: which process has it done, and for which sweep


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """While the block runs, no other process is in such a block for this file of studies.

    Raises UserError when the file cannot be used or another process does not give it free.
    """
    import optuna
    from filelock import FileLock, Timeout
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with FileLock(f"{file}.lock", timeout=LOCK_TIMEOUT):
            yield
    except Timeout:
        raise UserError(f"{file}: another process has held {file}.lock for {LOCK_TIMEOUT} s") from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise UserError(f"{file} cannot be used as Optuna's storage: {str(error).splitlines()[0]}") from error


def opened(file: Path, name: str, *, create: Sequence[Direction] = ()) -> Study:
    """The study `name` in `file`; `create`: it is made where it is not there, with an objective for each of these.

    Raises as `alone` does.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with alone(file):
        wait = {"connect_args": {"timeout": BUSY_TIMEOUT}}
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}", engine_kwargs=wait)
        if not create:
            return optuna.load_study(study_name=name, storage=storage)
        return optuna.create_study(study_name=name, storage=storage, directions=create, load_if_exists=True)


class Standing(NamedTuple):
    """A study's trials as one sweep sees them.

    done: complete or given up. left: what a process that is gone has begun. alive: under way now.
    elsewhere: begun on another machine for another sweep, which cannot be asked whether it lives.
    """

    done: int
    left: list[FrozenTrial]
    alive: list[FrozenTrial]
    elsewhere: list[FrozenTrial]


def standing(study: Study, folder: Path) -> Standing:
    """How far the study is, seen from the sweep in `folder`, within `alone`."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    found = Standing(sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials), [], [], [])
    for trial in trials:
        if trial.state != TrialState.RUNNING:
            continue
        owner = trial.user_attrs.get(_OWNER)
        if owner is None:  # its process was killed while it asked: some of its parameters are not there
            study.tell(trial.number, state=TrialState.FAIL)
        elif owner["sweep"] == str(folder):
            found.alive.append(trial)
        elif owner["host"] != socket.gethostname():
            found.elsewhere.append(trial)
        else:
            lives = process_lives(owner["pid"], float(owner["started"]))
            (found.alive if lives else found.left).append(trial)
    return found


def own(trial: Trial, folder: Path) -> None:
    """Note that this process has the trial done, for the sweep in `folder`."""
    process = psutil.Process()
    owner = {"host": socket.gethostname(), "pid": process.pid, "started": str(process.create_time())}
    trial.set_user_attr(_OWNER, {**owner, "sweep": str(folder)})


class Reporter:
    """Tells a study how a trial comes along, and hears whether to go on.

    Which trial is given up says the study's pruner; of several objectives none is.
    Values of epochs that the trial has already told, as before an interruption, are left as they are.
    """

    def __init__(self, of: TrialOf) -> None:
        """Raises UserError when the study cannot be opened."""
        import optuna

        self._study = opened(Path(of.storage), of.study)
        attributes = self._study.user_attrs
        self._pruner = attributes.get(PRUNER, "median")
        self._study.pruner = pruner(self._pruner, attributes[STARTUP], attributes[WARMUP])
        (trial,) = (trial for trial in self._study.get_trials(deepcopy=False) if trial.number == of.number)
        self._trial = optuna.trial.Trial(self._study, trial._trial_id)
        self._told = set(trial.intermediate_values)

    def report(self, epoch: int, value: float) -> bool:
        """Tell the objective's value after `epoch`, counted from 1. True: give the training up."""
        if len(self._study.directions) > 1:
            return False
        step = epoch - 1
        if step not in self._told:
            self._told.add(step)
            self._trial.report(value, step)
        return bool(self._trial.should_prune())

    def why(self, epoch: int) -> str:
        """Why a trial is given up after this epoch."""
        if self._pruner == "median":
            return f"worse after epoch {epoch} than half of the others were"
        return f"not in the best third of those that {self._pruner} compares after epoch {epoch}"
