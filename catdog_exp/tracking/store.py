"""The place where MLflow keeps runs: opened safely by any number of processes at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catdog_exp.errors import UserError
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.links import run_path, view_path
from catdog_exp.tracking.preparing import prepare_mlflow
from catdog_exp.tracking.server import check_server
from catdog_exp.tracking.sqlite_file import check_readable, sqlite_file
from catdog_exp.tracking.store_errors import plain_errors
from catdog_exp.tracking.uris import absolute_uri, artifact_root, is_server, local_path, sqlite_path, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 1000  # runs asked for at once
FIRST = 20  # of these at first: a thousand take seconds


@dataclass(frozen=True)
class Store:
    """One experiment of an open MLflow store.

    uri: of the store, absolute. shown: the same without a password. experiment: its name. artifacts: where it keeps
    the files of runs, as MLflow says it.
    """

    uri: str
    shown: str
    experiment: str
    experiment_id: str
    artifacts: str
    client: MlflowClient

    def runs(self, condition: str = "", order: tuple[str, ...] = (), limit: int | None = None) -> Iterator[Run]:
        """The experiment's runs that meet an MLflow search condition, in the order given, else newest first.

        limit: how many at most. Raises UserError when the store fails.
        """
        yield from search(self, [self.experiment_id], condition, order, limit)

    def link(self, run_id: str, *, jobs: bool = False) -> str:
        """One line for people, how to look at the run: at a server its address. jobs: at those under it, compared."""
        if is_server(self.uri):
            return f"{self.shown.rstrip('/')}{(view_path if jobs else run_path)(self.experiment_id, run_id)}"
        return f"run {run_id[:8]} of the experiment {self.experiment}: `catdog ui` shows it"


def search(
    store: Store, experiments: list[str], condition: str, order: tuple[str, ...] = (), limit: int | None = None
) -> Iterator[Run]:
    """The runs of the experiments with these ids that meet a condition; deleted runs are left out."""
    token, left = None, limit
    while True:
        # Who does not say how many wants the first that will do, most often, and finds it among a few.
        size = min(left, PAGE) if left is not None else PAGE if token else FIRST
        with plain_errors(store.shown):
            page = store.client.search_runs(
                experiments, condition, max_results=size, order_by=list(order), page_token=token
            )
        yield from page
        token = page.token
        left = None if left is None else left - len(page)
        if not token or left == 0:
            return


def open_store(config: TrackingConfig) -> Store:
    """Open the configured store; it and the experiment are made where they are not there yet.

    Safe when several processes do it at once on nothing: a lock beside a SQLite file lets one after the
    other in, and the file only takes its name when it is complete.

    Raises UserError when the store cannot be used (no database, read-only, locked, no answer from the
    server within seconds) or the experiment was deleted.
    """
    uri = absolute_uri(config.uri)
    path = sqlite_path(uri)
    prepare_mlflow()
    if path is None:
        check_server(uri, config.experiment)
        return _made_experiment(config, uri)
    with plain_errors(uri), sqlite_file(path):
        return _made_experiment(config, uri)


def existing_store(config: TrackingConfig) -> Store:
    """Open the configured store to read from it; nothing is made.

    Raises UserError as `open_store` does, and when there is no such store or experiment yet.
    """
    uri = _readable(config)
    store = _experiment(config, uri)
    if store is None:
        raise UserError(
            f"tracking.experiment={config.experiment}: the MLflow store {without_password(uri)} "
            "has no such experiment yet"
        )
    return store


def store_if_there(config: TrackingConfig) -> Store | None:
    """As `existing_store`, but None where there is no such store or experiment yet, or nothing is logged."""
    path = sqlite_path(absolute_uri(config.uri)) if config.enabled else None
    if not config.enabled or (path is not None and not path.exists()):
        return None
    return _experiment(config, _readable(config))


def store_of(uri: str, run_id: str) -> tuple[Store, Run]:
    """The store at `uri` with the experiment of a run, and that run. Raises UserError as `existing_store` does."""
    from mlflow import MlflowClient

    path = sqlite_path(uri)
    prepare_mlflow()
    if path is None:
        check_server(uri)
    elif path.exists():
        check_readable(path)
    else:
        raise UserError(f"the store {path} is not there")
    shown = without_password(uri)
    with plain_errors(shown):
        client = MlflowClient(tracking_uri=uri)
        run = client.get_run(run_id)
        found = client.get_experiment(run.info.experiment_id)
    return Store(uri, shown, found.name, str(found.experiment_id), str(found.artifact_location), client), run


def tagged_runs(config: TrackingConfig, tag: str) -> list[Run]:
    """All runs of the store that carry the tag, in whichever experiment, newest first; none where no store is yet."""
    path = sqlite_path(absolute_uri(config.uri))
    if path is not None and not path.exists():
        return []
    uri = _readable(config)
    from mlflow import MlflowClient

    with plain_errors(without_password(uri)):
        store = Store(uri, without_password(uri), "", "", "", MlflowClient(tracking_uri=uri))
        experiments = [experiment.experiment_id for experiment in store.client.search_experiments()]
    return list(search(store, experiments, f"tags.{tag} LIKE '%'"))


def _readable(config: TrackingConfig) -> str:
    """The store's absolute URI, once it is known to be there and in order."""
    uri = absolute_uri(config.uri)
    path = sqlite_path(uri)
    if path is not None and not path.exists():
        raise UserError(f"tracking.uri={config.uri}: no runs yet, {path} is not there; `catdog` makes a first run")
    prepare_mlflow()
    if path is None:
        check_server(uri, config.experiment)
    else:
        check_readable(path)
    return uri


def _made_experiment(config: TrackingConfig, uri: str) -> Store:
    """The configured experiment, made where it is not there yet."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    store = _experiment(config, uri)
    if store is None:
        with plain_errors(without_password(uri)):
            try:
                MlflowClient(tracking_uri=uri).create_experiment(config.experiment, artifact_root(config))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":  # a process elsewhere was first
                    raise
        store = _experiment(config, uri)
        assert store is not None
    _check_artifacts(store)
    return store


def _check_artifacts(store: Store) -> None:
    """Raise UserError where this machine can put no files of runs: better before a training than after it."""
    place = f"the experiment {store.experiment} of {store.shown} keeps its files in {store.artifacts}"
    other = "choose a new one by tracking.experiment=NAME with tracking.artifacts=DIR"
    if store.artifacts.startswith("mlflow-artifacts:") and not is_server(store.uri):
        raise UserError(
            f"{place}, which only a server can reach: log to that by tracking.uri=http://HOST:PORT, or {other}"
        )
    folder = local_path(store.artifacts)
    if folder is None:
        return
    there = next(each for each in (folder, *folder.parents) if each.exists())
    # Of a server's own folders, not even the first is here.
    if not os.access(there, os.W_OK) or not there.is_dir() or (is_server(store.uri) and there == there.parent):
        raise UserError(
            f"{place}, where this machine cannot write ({there}): have the server hand files on, or {other}"
        )


def _experiment(config: TrackingConfig, uri: str) -> Store | None:
    """The configured experiment, else that of the run to log to; None where it is not there yet.

    Raises UserError where it was deleted, or that run is not there.
    """
    from mlflow import MlflowClient

    shown, name = without_password(uri), config.experiment
    with plain_errors(shown):
        client = MlflowClient(tracking_uri=uri)
        if config.run is None:
            found = client.get_experiment_by_name(name)
        else:
            found = client.get_experiment(_given_run(client, config.run, shown).info.experiment_id)
            name = found.name
    if found is None:
        return None
    if found.lifecycle_stage != "active":
        raise UserError(
            f"tracking.experiment={name}: this experiment was deleted; bring it back with "
            f"`MLFLOW_TRACKING_URI={shown} mlflow experiments restore -x {found.experiment_id}` "
            "or choose another name"
        )
    return Store(uri, shown, name, str(found.experiment_id), str(found.artifact_location), client)


def _given_run(client: MlflowClient, run_id: str, shown: str) -> Run:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise UserError(
            f"tracking.run={run_id}: {shown} has no such run; leave MLFLOW_RUN_ID and tracking.run out for a new one"
        ) from None
