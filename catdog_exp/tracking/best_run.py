"""A run found again, by its id or as the best one, with the checkpoint of its network."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from catdog_exp.errors import UserError
from catdog_exp.tracking.ids import is_run_id
from catdog_exp.tracking.store import Store, plain_errors, search

if TYPE_CHECKING:
    from mlflow.entities import Run

CHECKPOINT = "checkpoints/best.safetensors"
OBJECTIVE = "objective"  # the metric that holds a run's best value, and the tag that says of what


@dataclass(frozen=True)
class FoundRun:
    """A run and its network. objective: its best value, None where it has none. checkpoint: a local file."""

    run_id: str
    name: str
    objective: float | None
    tags: Mapping[str, str]
    params: Mapping[str, str]
    checkpoint: Path

    @property
    def described(self) -> str:
        """The run in one line for people: id, name, how good it is and on which pictures."""
        value = "" if self.objective is None else f", {self.tags.get(OBJECTIVE)} {self.objective:.4f}"
        pictures = f"; its pictures: {self.tags['pictures']}" if "pictures" in self.tags else ""
        return f"{self.run_id[:8]} ({self.name}{value}{pictures})"


def find_run(store: Store, run_id: str | None, objective: str, minimize: bool, downloads: Path) -> FoundRun:
    """The run with the id `run_id` (or the only one whose id starts so), or the best one where that is None.

    The best is the one among the experiment's FINISHED runs that have a checkpoint and compare by
    `objective`; of several equally good the newest. downloads: folder for checkpoints that are not on this
    machine.

    Raises UserError when there is no such run, or it has no checkpoint.
    """
    if run_id is None:
        return best_run(store, objective, minimize, downloads)
    run = run_by_id(store, run_id)
    if not _has_checkpoint(store, run):
        raise UserError(f"run {run.info.run_id}: it has no {CHECKPOINT}; choose a run that has trained a network")
    return _found(store, run, downloads)


def best_run(store: Store, objective: str, minimize: bool, downloads: Path) -> FoundRun:
    """The best FINISHED run with a checkpoint, as `find_run` chooses it."""
    order = (
        f"metrics.{OBJECTIVE} {'ASC' if minimize else 'DESC'}",
        "attributes.start_time DESC",
        "attributes.run_id",
    )
    for run in store.runs(f"tags.{OBJECTIVE} = '{objective}' and attributes.status = 'FINISHED'", order):
        if math.isfinite(run.data.metrics.get(OBJECTIVE, math.nan)) and _has_checkpoint(store, run):
            return _found(store, run, downloads)
    raise UserError(
        f"the experiment {store.experiment} of {store.shown} has no finished run with a network and "
        f"the objective {objective}: train one first with `catdog`"
    )


def run_by_id(store: Store, run_id: str) -> Run:
    """The run, in whichever experiment, whose id is or starts with `run_id` (6 to 32 hex digits).

    Raises UserError when there is none, or more than one.
    """
    if not is_run_id(run_id):
        raise UserError(f"run {run_id}: an id is 6 to 32 of the digits 0-9 and a-f; `catdog ui` shows each run's")
    with plain_errors(store.shown):
        experiments = [experiment.experiment_id for experiment in store.client.search_experiments()]
    found = list(search(store, experiments, f"attributes.run_id LIKE '{run_id}%'"))
    if not found:
        raise UserError(f"run {run_id}: there is none in {store.shown}; `catdog ui` shows all runs")
    if len(found) > 1:
        ids = ", ".join(sorted(run.info.run_id for run in found)[:3])
        raise UserError(f"run {run_id}: {len(found)} runs start so ({ids}, …); give more digits")
    return found[0]


def run_file(store: Store, run: Run, name: str, downloads: Path) -> Path:
    """The artifact `name` of a run on this disk: where it lies, else fetched into downloads/<run id>/.

    Raises UserError when it cannot be had.
    """
    place = urlsplit(run.info.artifact_uri)
    if place.scheme in ("", "file"):
        there = Path(unquote(place.path) if place.scheme else run.info.artifact_uri) / name
        if not there.exists():
            raise UserError(f"run {run.info.run_id}: its file {there} is not on this machine")
        return there
    downloads.mkdir(parents=True, exist_ok=True)
    target = downloads / str(run.info.run_id) / name
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=downloads) as aside:
        with plain_errors(store.shown):
            fetched = store.client.download_artifacts(run.info.run_id, name, aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        Path(fetched).replace(target)
    return target


def _has_checkpoint(store: Store, run: Run) -> bool:
    folder = str(Path(CHECKPOINT).parent)
    with plain_errors(store.shown):
        return any(file.path == CHECKPOINT for file in store.client.list_artifacts(run.info.run_id, folder))


def _found(store: Store, run: Run, downloads: Path) -> FoundRun:
    return FoundRun(
        run_id=str(run.info.run_id),
        name=run.info.run_name or run.info.run_id,
        objective=run.data.metrics.get(OBJECTIVE),
        tags=run.data.tags,
        params=run.data.params,
        checkpoint=run_file(store, run, CHECKPOINT, downloads),
    )
