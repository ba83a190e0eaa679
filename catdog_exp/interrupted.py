"""Where a run keeps what it needs to go on after an interruption, found again by the same command."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from catdog_exp.errors import UserError
from catdog_exp.files import replacing

log = logging.getLogger(__name__)

FORMAT = 1  # another one when the same settings come to mean another training

# Keys that change where a run's files lie or how fast it is, not what comes out.
_IRRELEVANT = {
    "data": ("threads", "pack_on", "repack"),
    "train": ("resume", "checkpoint_minutes"),
    "hardware": ("threads", "rank", "root"),
    "tracking": ("artifacts", "parent_run"),
}
_SECTIONS = ("data", "augment", "model", "train", "hardware", "tracking", "objective", "stages", "predict")


@dataclass(frozen=True)
class Place:
    """A run's folder for what it needs to go on.

    folder: there while the run is unfinished. was_there: whether an earlier run of the same command left it.
    """

    folder: Path
    was_there: bool

    def claim(self, pack: str) -> None:
        """Note the pack that is trained on. Raises UserError when the earlier run had another one."""
        note = self.folder / "pack"
        if note.is_file() and note.read_text() != pack:
            raise UserError(
                "the pictures have changed since this run was interrupted: give train.resume=false to start anew"
            )
        with replacing(note) as aside:
            aside.write_text(pack)


def run_fingerprint(settings: Mapping[str, Any]) -> str:
    """32 hexadecimal digits over all settings that change what a run trains and where it is logged."""
    chosen: dict[str, Any] = {"format": FORMAT}
    for name in _SECTIONS:
        value = settings[name]
        if isinstance(value, Mapping):
            value = {key: kept for key, kept in value.items() if key not in _IRRELEVANT.get(name, ())}
        chosen[name] = value
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:32]


@contextmanager
def unfinished(fingerprint: str, outputs: Path, own: Path, *, resume: bool) -> Iterator[Place]:
    """The place of the run with this fingerprint; it is removed when the block ends well, and kept when it does not.

    own: the run's own folder, whose part `unfinished` it is while another process holds the shared one.
    resume: use what an earlier run left, instead of removing it.
    """
    shelf = outputs / "unfinished"
    shelf.mkdir(parents=True, exist_ok=True)
    lock = FileLock(shelf / f"{fingerprint}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        log.info("the same run is under way in another process: this one cannot be resumed")
        place = Place(own / "unfinished", was_there=False)
        place.folder.mkdir(parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place.folder, ignore_errors=True)
        return
    try:
        folder = shelf / fingerprint
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        was_there = folder.is_dir()
        folder.mkdir(exist_ok=True)
        try:
            yield Place(folder, was_there)
        except BaseException:
            if any(folder.glob("state-*")):
                log.info("what is done is kept: the same command goes on from there")
            raise
        shutil.rmtree(folder)
    finally:
        lock.release()
