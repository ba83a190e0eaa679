"""The best of an experiment's runs, and the checkpoint of a run's network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.errors import UserError
from catdog_exp.tracking.done_stages import is_trained
from catdog_exp.tracking.run_files import has_file, run_file
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.usage import PACK

if TYPE_CHECKING:
    from mlflow.entities import Run

CHECKPOINT = "checkpoints/best.safetensors"
OBJECTIVE = "objective"  # the metric that holds a run's best value, and the tag that says of what
DATASET = "dataset"  # tag: digest of the data set that a run was trained on


@dataclass(frozen=True)
class FoundRun:
    """A run and its network. described: the run in one line for people. checkpoint: a local file."""

    run_id: str
    described: str
    checkpoint: Path


@dataclass(frozen=True)
class BestRun:
    """The best run of a data set. better: a run of another data set whose objective is better still, in words."""

    run: Run
    better: str


def best_run(store: Store, objective: str, minimize: bool, dataset: str | None) -> BestRun | None:
    """The best of the experiment's runs that were trained on a data set and have a checkpoint, None where none was.

    They compare by `objective`; of several equally good ones the newest counts. Runs of different data sets do not
    compare. dataset: its digest; None: the data set that was trained on last.

    Raises UserError when there is no run with a network at all, whatever it was trained on.
    """
    compared = f"tags.{OBJECTIVE} = '{objective}'"
    order = best_first(minimize)
    if dataset is None:
        last = first_with_network(store, compared, ("attributes.start_time DESC", "attributes.run_id"))
        if last is None:
            raise UserError(
                f"the experiment {store.experiment} of {store.shown} has no finished run with a network and "
                f"the objective {objective}: train one first with `catdog`"
            )
        tag = next((name for name in (DATASET, PACK) if name in last.data.tags), None)
        same = f" and tags.{tag} = '{last.data.tags[tag]}'" if tag else ""
    else:
        same = f" and tags.{DATASET} = '{dataset}'"
    best = first_with_network(store, compared + same, order)
    if best is None:
        return None
    top = first_with_network(store, compared, order)
    better = ""
    if top is not None and top.data.metrics[OBJECTIVE] != best.data.metrics[OBJECTIVE]:
        unknown = " (of an earlier version: its data set is not known)"
        better = described(top) + unknown * (DATASET not in top.data.tags)
    return BestRun(best, better)


def best_first(minimize: bool) -> tuple[str, ...]:
    """The order of runs by their objective; of equally good ones the newest first."""
    return (
        f"metrics.{OBJECTIVE} {'ASC' if minimize else 'DESC'}",
        "attributes.start_time DESC",
        "attributes.run_id",
    )


def first_with_network(store: Store, condition: str, order: tuple[str, ...]) -> Run | None:
    """The first of the experiment's runs that meet an MLflow search condition and have a result and a checkpoint."""
    for run in store.runs(condition, order):
        if (
            math.isfinite(run.data.metrics.get(OBJECTIVE, math.nan))
            and is_trained(run.info.status, run.data.tags)
            and has_file(store, run, CHECKPOINT)
        ):
            return run
    return None


def described(run: Run) -> str:
    """A run in one line for people: id, name, how good it is and on which pictures."""
    tags, value = run.data.tags, run.data.metrics.get(OBJECTIVE)
    shown = "" if value is None else f", {tags.get(OBJECTIVE)} {value:.4f}"
    pictures = f"; its pictures: {tags['pictures']}" if "pictures" in tags else ""
    return f"{run.info.run_id[:8]} ({run.info.run_name or run.info.run_id}{shown}{pictures})"


def found_run(store: Store, run: Run, downloads: Path) -> FoundRun:
    """The run with its checkpoint on this disk. Raises UserError when that cannot be had."""
    return FoundRun(str(run.info.run_id), described(run), run_file(store, run, CHECKPOINT, downloads))
