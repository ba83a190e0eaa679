"""The state of a training under way, kept so that it can go on after any interruption with the same bytes."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.reading import read
from catdog_exp.training.checkpoint import load_checkpoint, params_sha256

log = logging.getLogger(__name__)

FORMAT = 1
KEY = "catdog_state"
KEPT = 2  # the newest, and the one before for when the newest is damaged


@dataclass(frozen=True)
class Counters:
    """How far a training has come.

    epochs: the number that it is planned for.
    epoch: done, whole ones. batches: done of the next one. steps: done in all.
    loss, correct, pictures: sums over the batches done of the unfinished epoch.
    history: metrics of each epoch done.
    best_epoch, best_value: of the objective; 0 and None before the first.
    seconds: time spent so far.
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


@dataclass(frozen=True)
class State:
    """Counters, and all arrays that the next step depends on, by name."""

    counters: Counters
    arrays: dict[str, NDArray[np.float32]]


def save_state(folder: Path, state: State) -> None:
    """Write the state into `folder` aside, then put it in place; all but the newest `KEPT` are removed.

    Raises UserError when the system refuses the writing.
    """
    from safetensors.numpy import save

    header = {
        "format": FORMAT,
        "sha256": params_sha256(state.arrays),
        "counters": dataclasses.asdict(state.counters),
    }
    content = save(state.arrays, metadata={KEY: json.dumps(header)})
    folder.mkdir(parents=True, exist_ok=True)
    counters = state.counters
    with (
        replacing(folder / f"state-{counters.epoch:06d}-{counters.batches:08d}.safetensors") as aside,
        aside.open("wb") as file,
    ):
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    for old in _states(folder)[KEPT:]:
        old.unlink(missing_ok=True)


def earlier_state(folder: Path, best: Path) -> State | None:
    """The newest whole state in `folder`; None where there is none, or its best checkpoint, `best`, is damaged.

    In that case the states are removed: they would be taken for newer than those of the new start.
    """
    state = load_state(folder)
    if state is not None and state.counters.best_epoch:
        try:
            load_checkpoint(best)
        except UserError as error:
            log.warning("%s; starting anew", error)
            for path in _states(folder):
                path.unlink(missing_ok=True)
            return None
    return state


def load_state(folder: Path) -> State | None:
    """The newest whole state in `folder`, None where there is none. A damaged one is passed over, with a warning."""
    for path in _states(folder):
        try:
            return _read(path)
        except UserError as error:
            log.warning("%s; going back to the state before it", error)
            path.unlink(missing_ok=True)
    return None


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("state-*.safetensors"), reverse=True)


def _read(path: Path) -> State:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header: Mapping[str, Any] = json.loads((file.metadata() or {})[KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        if header["format"] != FORMAT:
            raise UserError(f"{path}: this training's state is of another version of this program")
        if header["sha256"] != params_sha256(arrays):
            raise UserError(f"{path}: this training's state is damaged, its arrays are not those that were saved")
        return State(read(Counters, header["counters"]), arrays)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: this training's state is damaged ({error})") from None
