"""The folders of a training's attempts: what one that was cut off has made moves into that of the next."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from catdog_exp.files import replacing

NOTE = "attempt"  # file beside a training's state: the run's folder of the attempt under way, below the outputs
LOG, EARLIER_LOG = "run.log", "run_earlier.log"


def join_earlier(state: Path, outputs: Path, own: Path) -> None:
    """Move what the attempt before has made into `own`, the folder of the one that goes on, and note that for the next.

    state: the training's folder in outputs/unfinished, whose lock must be held. A file that `own` has with other
    content stays where it is; of the logs the earlier one goes on in `run_earlier.log`. Folders elsewhere than in
    outputs/runs/<date>/ are left alone. Raises UserError when the system refuses the writing.
    """
    note = state / NOTE
    with suppress(OSError, ValueError):  # there was none, or its folder is gone or another's
        before = outputs / note.read_text(encoding="utf-8")
        if _is_a_run_s(outputs, before) and _is_a_run_s(outputs, own) and before != own:
            _join(before, own)
    if state.is_dir() and _is_a_run_s(outputs, own):
        with replacing(note) as aside:
            aside.write_text(str(own.relative_to(outputs)), encoding="utf-8")


def _is_a_run_s(outputs: Path, folder: Path) -> bool:
    runs = outputs / "runs"
    return folder.parent.parent == runs and ".." not in folder.relative_to(runs).parts


def _join(before: Path, own: Path) -> None:
    shutil.rmtree(before / ".hydra", ignore_errors=True)  # the same as in `own`
    logs = [before / EARLIER_LOG, before / LOG]
    with (own / EARLIER_LOG).open("ab") as joined:
        for each in filter(Path.is_file, logs):
            joined.write(each.read_bytes())
    for each in logs:
        each.unlink(missing_ok=True)
    for entry in before.iterdir():
        there = own / entry.name
        if not there.exists():
            entry.rename(there)
        elif entry.is_file() and entry.read_bytes() == there.read_bytes():
            entry.unlink()
    for folder in (before, before.parent):
        folder.rmdir()  # which fails where something is left in it
