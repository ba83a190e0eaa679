"""The state of a training under way, kept so that it can go on after any interruption with the same bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.reading import read
from catdog_exp.training.checkpoint import Checkpoint, epoch_of, params_sha256, save_checkpoint
from catdog_exp.training.range_test import Curve

log = logging.getLogger(__name__)

FORMAT = 3
KEY = "catdog_state"
KEPT = 2  # the newest, and the one before for when the newest is damaged
BEST = "best.safetensors"  # once the training has ended


class _Damaged(Exception):
    """A state's file is not what was written."""


@dataclass(frozen=True)
class Counters:
    """How far a training has come.

    epochs: the number that it is planned for.
    epoch: done, whole ones. batches: done of the next one. steps: done in all.
    loss, correct, pictures: sums over the batches done of the unfinished epoch.
    history: metrics of each epoch done.
    best_epoch, best_value: of the objective; 0 and None before the first.
    seconds: time spent so far.
    curve: of the range test that found the learning rate, None where that was given.
    """

    epochs: int
    epoch: int
    batches: int
    steps: int
    loss: float
    correct: float
    pictures: int
    history: list[dict[str, float]]
    best_epoch: int
    best_value: float | None
    seconds: float
    curve: Curve | None = None


@dataclass(frozen=True)
class State:
    """Counters, and all arrays that the next step depends on, by name."""

    counters: Counters
    arrays: dict[str, NDArray[np.float32]]


def save_state(folder: Path, state: State) -> None:
    """Write the state into `folder` aside, then put it in place.

    All but the newest `KEPT` are removed, and the best checkpoints that are of none of those.

    Raises UserError when the system refuses the writing.
    """
    from safetensors.numpy import save

    counted = dataclasses.asdict(state.counters)
    header = {"format": FORMAT, "sha256": _digest(counted, state.arrays), "counters": counted}
    content = save(state.arrays, metadata={KEY: json.dumps(header)})
    folder.mkdir(parents=True, exist_ok=True)
    counters = state.counters
    name = f"state-{counters.epoch:06d}-{counters.batches:08d}-{counters.best_epoch:06d}.safetensors"
    with replacing(folder / name) as aside, aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    states = _states(folder)
    for old in states[KEPT:]:
        old.unlink(missing_ok=True)
    referred = {kept.stem.split("-")[-1] for kept in states[:KEPT]}
    for best in folder.glob("best-*.safetensors"):
        if best.stem.split("-")[1] not in referred:
            best.unlink(missing_ok=True)


def save_best(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the best checkpoint so far, and a copy for when it is damaged; that of an earlier epoch stays beside it.

    Raises UserError when the system refuses the writing.
    """
    for path in _best_files(folder, checkpoint.epoch):
        save_checkpoint(path, checkpoint)


def put_best(folder: Path, epoch: int) -> None:
    """Put the best checkpoint, of this epoch, where it is looked for once the training has ended.

    Raises UserError when the system refuses the writing.
    """
    _copy(_best_files(folder, epoch)[0], folder / BEST)


def earlier_state(folder: Path) -> State | None:
    """The newest state in `folder` that is whole, as is its best checkpoint; None where there is none.

    Those after it are removed: they would be taken for newer than what is done from now on.

    Raises UserError when a state cannot be read, or is of another version of this program.
    """
    states = _states(folder)
    for path in states:
        try:
            state = _read(path)
            if state.counters.best_epoch:
                _check_best(folder, state.counters.best_epoch)
        except _Damaged as error:
            log.warning("%s: this training's state is damaged, %s; going back to the state before it", path, error)
            path.unlink(missing_ok=True)
        else:
            return state
    if states:
        log.warning("%s: no state of this training is whole; starting anew", folder)
    return None


def _check_best(folder: Path, epoch: int) -> None:
    """See that the best checkpoint is that of this epoch, and whole; mend it by its copy."""
    best, copy = _best_files(folder, epoch)
    for path in (best, copy):
        try:
            found = epoch_of(path)
        except UserError as error:
            log.warning("%s", error)
        else:
            if found == epoch:
                if path == copy:
                    _copy(copy, best)
                return
    raise _Damaged(f"its best checkpoint, of epoch {epoch}, is lost")


def _best_files(folder: Path, epoch: int) -> tuple[Path, Path]:
    return folder / f"best-{epoch:06d}.safetensors", folder / f"best-{epoch:06d}-copy.safetensors"


def _copy(path: Path, to: Path) -> None:
    with replacing(to) as aside:
        shutil.copyfile(path, aside)


def newest_epoch(folder: Path) -> int | None:
    """The epoch of the newest state in `folder` by its name, None where there is none."""
    newest = next(iter(_states(folder)), None)
    return None if newest is None else int(newest.name.split("-")[1])


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("state-*.safetensors"), reverse=True)


def _read(path: Path) -> State:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header: Mapping[str, Any] = json.loads((file.metadata() or {})[KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        version, whole = header["format"], header["sha256"] == _digest(header["counters"], arrays)
    except OSError as error:
        raise UserError(
            f"{path}: this training's state cannot be read ({error.strerror or error}): give the same command once it "
            "can, or train.resume=false to start anew"
        ) from None
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _Damaged(str(error)) from None
    if version != FORMAT:
        raise UserError(
            f"{path}: this training's state is of another version of this program: go on with that one, or give "
            "train.resume=false to start anew"
        )
    if not whole:
        raise _Damaged("it is not what was saved")
    return State(read(Counters, header["counters"], targets=()), arrays)


def _digest(counters: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    text = json.dumps(counters, sort_keys=True) + params_sha256(arrays)
    return hashlib.sha256(text.encode()).hexdigest()
