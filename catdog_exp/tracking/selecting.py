"""Runs as people name them: by id, by name, as the last or best one, or by an alias of the model registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.errors import UserError
from catdog_exp.tracking.best_run import CHECKPOINT, FoundRun, best_first, best_run, found_run
from catdog_exp.tracking.ids import is_run_id
from catdog_exp.tracking.run_files import has_file
from catdog_exp.tracking.run_log import PARENT, SWEEP
from catdog_exp.tracking.store import Store, search
from catdog_exp.tracking.store_errors import plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Run

LAST, BEST, OF_SWEEP = "last", "best", ":best"
REGISTERED = "models:/"
HOW = "give an id or the start of one, a run's name, last, best, SWEEP:best or MODEL@ALIAS; `catdog runs` lists them"


def select(store: Store, word: str, objective: str, minimize: bool) -> Run:
    """The run that `word` names.

    word: an id, or its first digits where no other starts so; `last`: the newest run that is no sweep; `best`: the
        best of the data set that was trained on last; `SWEEP:best`: the best job of a sweep; `MODEL@ALIAS`, with or
        without `models:/` before it: the run of a version in the model registry; else the name of a run of the
        experiment. objective, minimize: what runs compare by, and whether less of it is better.

    Raises UserError when there is no such run, or more than one.
    """
    if word == LAST:
        newest = next((run for run in store.runs() if SWEEP not in run.data.tags), None)
        return _only(word, [] if newest is None else [newest], store)
    if word == BEST:
        best = best_run(store, objective, minimize, None)
        return _only(word, [] if best is None else [best.run], store)
    if word.endswith(OF_SWEEP):
        sweep = select(store, word.removesuffix(OF_SWEEP), objective, minimize)
        jobs = store.runs(f"tags.`{PARENT}` = '{sweep.info.run_id}'", best_first(minimize))
        return _only(word, [run for run in jobs if has_file(store, run, CHECKPOINT)][:1], store)
    if "@" in word:
        return _registered(store, word)
    found: list[Run] = []
    if is_run_id(word):
        with plain_errors(store.shown):
            experiments = [experiment.experiment_id for experiment in store.client.search_experiments()]
        found = list(search(store, experiments, f"attributes.run_id LIKE '{word}%'"))
    if not found and "'" not in word:
        found = list(store.runs(f"attributes.run_name = '{word}'"))
    return _only(word, found, store)


def run_with_network(store: Store, word: str, objective: str, minimize: bool, downloads: Path) -> FoundRun:
    """The run that `word` names (see `select`), with its checkpoint. downloads: folder for one from elsewhere.

    Raises UserError when there is no such run, or it has no checkpoint.
    """
    run = select(store, word, objective, minimize)
    if not has_file(store, run, CHECKPOINT):
        raise UserError(f"run {run.info.run_id}: it has no {CHECKPOINT}; choose a run that has trained a network")
    return found_run(store, run, downloads)


def _registered(store: Store, word: str) -> Run:
    name, _, alias = word.removeprefix(REGISTERED).rpartition("@")
    with plain_errors(f"{store.shown}, asked for the model {word},"):
        version = store.client.get_model_version_by_alias(name, alias)
        return store.client.get_run(str(version.run_id))


def _only(word: str, found: list[Run], store: Store) -> Run:
    if not found:
        raise UserError(f"run {word}: there is none in {store.shown}; {HOW}")
    if len(found) > 1:
        ids = ", ".join(sorted(run.info.run_id[:12] for run in found)[:3])
        raise UserError(f"run {word}: {len(found)} runs are called so ({ids}, …); give more digits of an id")
    return found[0]
