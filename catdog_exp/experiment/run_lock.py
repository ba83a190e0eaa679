"""Who works on a training: what there is of it already, and the right to do the rest."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from catdog_exp.errors import GivenUp
from catdog_exp.experiment.attempts import join_earlier
from catdog_exp.experiment.config import RunConfig

if TYPE_CHECKING:
    from catdog_exp.tracking.run_lookup import Earlier
    from catdog_exp.tracking.sender import Sender

log = logging.getLogger(__name__)

WAITING = "waiting"  # file in a run's folder while it waits for the same run elsewhere
LOOK_EVERY = 2.0  # seconds between two looks at a run elsewhere


class Elsewhere(Exception):
    """The same training is under way in another process, and `if_exists=skip` says not to wait for it."""


@dataclass(frozen=True)
class RunLock:
    """The right to do a training, which no other process of this folder of outputs has meanwhile.

    folder: for what it needs to go on after an interruption, there while it is unfinished.
    earlier: the run to go on with, None for a new one. finished: whether that has trained its network already.
    """

    folder: Path
    earlier: Earlier | None = None
    finished: bool = False


@contextmanager
def run_lock(config: RunConfig, training: str, own: Path, sender: Sender | None) -> Iterator[RunLock]:
    """Lock the training with this identity as `if_exists` says; `RunLock.folder` is kept where the block raises.

    own: the run's own folder. sender: is asked for earlier runs, None where none are logged. Raises Elsewhere;
    UserError when the store cannot be read.
    """
    outputs = Path(config.paths.outputs)
    unfinished = outputs / "unfinished"
    unfinished.mkdir(parents=True, exist_ok=True)
    lock = FileLock(unfinished / f"{training}.lock")
    folder = unfinished / training
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if config.if_exists == "new":
            log.info("the same run is under way in another process: this one could not go on after an interruption")
            folder = own / "unfinished"
        else:
            _wait_or_skip(config, "in another process")
            _acquire(lock, own)
    try:
        earlier, finished = what_counts(config, _earlier(config, training, own, sender))
        if finished:
            join_earlier(folder, outputs, own)
            yield RunLock(folder, earlier, finished=True)
        else:
            if config.if_exists == "new" or not config.train.resume or (earlier is None and config.tracking.own_run):
                shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            if lock.is_locked:
                join_earlier(folder, outputs, own)
            try:
                yield RunLock(folder, earlier)
            except GivenUp:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            except BaseException:
                if any(folder.glob("state-*")) and folder.parent == unfinished:
                    log.info("what is done is kept: the same command goes on from there")
                raise
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.release()


def what_counts(config: RunConfig, earlier: Earlier | None) -> tuple[Earlier | None, bool]:
    """The run to go on with, as `if_exists` says, and whether that has trained its network already.

    earlier: the run of this training that the experiment has.
    """
    given = config.tracking.own_run
    if earlier is None or config.if_exists == "new" or given not in (None, earlier.run_id):
        return None, False
    if earlier.state == "finished":
        # To be resumed, a run is not finished where a later stage of it has failed.
        counts = config.if_exists in ("reuse", "skip") or not earlier.closed
        return (earlier, True) if counts else (None, False)
    return (earlier if config.train.resume else None), False


def _acquire(lock: FileLock, own: Path) -> None:
    with _waiting(own):
        while True:
            try:
                lock.acquire(timeout=LOOK_EVERY)
            except Timeout:
                continue
            return


def _earlier(config: RunConfig, training: str, own: Path, sender: Sender | None) -> Earlier | None:
    """The run of this training that the experiment has, once none is under way any more; None where none is wanted."""
    from catdog_exp.tracking.run_lookup import RESUMING, STATES

    if sender is None or config.if_exists == "new":
        return None
    outputs = Path(config.paths.outputs)
    # To be resumed, an unfinished run counts for more than one that has finished.
    order = RESUMING if config.if_exists == "resume" else STATES
    earlier = sender.earlier_runs(outputs, [training], order).get(training)
    if earlier is None or earlier.state != "running":
        return earlier
    _wait_or_skip(config, f"as run {earlier.run_id[:8]}, process {earlier.pid} on {earlier.host}")
    with _waiting(own):
        while earlier is not None and earlier.state == "running":
            time.sleep(LOOK_EVERY)
            earlier = sender.earlier_runs(outputs, [training], order).get(training)
    return earlier


def _wait_or_skip(config: RunConfig, where: str) -> None:
    if config.if_exists == "skip":
        raise Elsewhere(f"the same run is under way {where}")
    log.info("the same run is under way %s: waiting for its end", where)


@contextmanager
def _waiting(own: Path) -> Iterator[None]:
    mark = own / WAITING
    mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
