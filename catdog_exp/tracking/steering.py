"""A sweep under way, steered from elsewhere: by a tag of its run, and by files in its folder where that is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from catdog_exp.background import in_background
from catdog_exp.tracking.limits import HIDDEN
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Run

STOP = "stop"  # in the sweep's folder, once it is to end: why
PAUSE = "paused"  # in the sweep's folder, while no new job is to begin
FOLDER, WISH = f"{HIDDEN}sweep_folder", f"{HIDDEN}sweep_wish"  # tags of a sweep's run: its folder, what is asked of it

LOOK_EVERY = 5.0  # seconds between two looks at the tag
JOIN_TIMEOUT = 10.0  # seconds that the end of a sweep waits for a look that is on its way

Wish = Literal["go", "pause", "cancel"]


def steer(store: Store, run: Run, wish: Wish) -> None:
    """Ask the sweep with this run to pause, to go on, or to end. Raises UserError when the store fails."""
    with plain_errors(store.shown):
        store.client.set_tag(run.info.run_id, WISH, wish)
    folder = Path(run.data.tags.get(FOLDER, ""))
    if FOLDER in run.data.tags and folder.is_dir():  # at once; elsewhere its own process looks at the tag
        _apply(folder, wish)


@contextmanager
def obeying(store: Store, run_id: str, folder: Path) -> Iterator[None]:
    """While the block runs, have the sweep's folder say what the tag of its run asks for."""
    with in_background("steering", partial(_obey, store, run_id, folder), JOIN_TIMEOUT):
        yield


def _obey(store: Store, run_id: str, folder: Path, over: threading.Event) -> None:
    while not over.wait(LOOK_EVERY):
        with suppress(Exception):  # the store is away: it is asked again
            _apply(folder, store.client.get_run(run_id).data.tags.get(WISH, "go"))


def _apply(folder: Path, wish: str) -> None:
    if wish == "pause":
        (folder / PAUSE).touch()
    else:
        (folder / PAUSE).unlink(missing_ok=True)
    if wish == "cancel" and not (folder / STOP).exists():
        (folder / STOP).write_text("cancelled", encoding="utf-8")
