"""The model registry: networks by a name and an alias, such as the champion."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.errors import UserError
from catdog_exp.locks import one_process_at
from catdog_exp.tracking.best_run import DATASET, OBJECTIVE
from catdog_exp.tracking.logged_model import run_model
from catdog_exp.tracking.moved import ARTIFACTS
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors
from catdog_exp.tracking.uris import local_path, sqlite_path

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"  # the alias of the network that is in use


def register(store: Store, run_id: str, name: str, alias: str) -> str:
    """Give a run's model a name in the registry, and the alias; it is loaded and asked for its example before.

    Of one model there is one version of a name. Returns the version.
    Raises UserError where the run has no model, the model does not work or the registry does not take it.
    """
    import mlflow

    model = _model(store, run_id)
    with model_files(store, run_id) as folder:
        try:
            loaded = mlflow.pyfunc.load_model(str(folder))
            loaded.predict(loaded.input_example)
        except Exception as error:  # whatever code and packages of another machine run into
            reason = str(error).strip().splitlines()[-1:]
            raise UserError(f"run {run_id[:8]}: its model does not work here: {' '.join(reason)}") from error
    with plain_errors(f"{store.shown}, asked for the model {name},"):
        version = _version_of(store, name, run_id)
        if version is None:
            version = _new_version(store, name, run_id, model)
        store.client.set_registered_model_alias(name, alias, version)
    return version


def promote(store: Store, run_id: str, name: str, minimize: bool) -> str:
    """Make a run's network the champion of a name where it is better than the present one, or there is none.

    They compare by their objective, where they were trained on the same data set for the same objective.
    minimize: whether less of it is better. Returns one line for people, which way it went.
    Raises UserError where the run has no model, or the store fails.
    """
    database = sqlite_path(store.uri)
    # Of two runs that end at once the better one is to stay. A server has no lock for that.
    with nullcontext() if database is None else one_process_at(database.with_name(f"{CHAMPION}.{database.name}")):
        with plain_errors(store.shown):
            run, champion = store.client.get_run(run_id), _champion(store, name)
        where, mine = f"models:/{name}@{CHAMPION}", _described(run)
        if champion is None:
            return f"promoted: {mine} is {where} now, version {register(store, run_id, name, CHAMPION)}"
        if champion.info.run_id == run_id:
            return f"not promoted: {mine} is {where} already"
        theirs = _described(champion)
        for tag, what in ((DATASET, "was trained on other pictures"), (OBJECTIVE, "has another objective")):
            if champion.data.tags.get(tag) != run.data.tags.get(tag):
                by_hand = f"`catdog register {run_id[:8]} --name {name}` puts this run in its place"
                return f"not promoted: {where}, {theirs}, {what}; {by_hand}"
        value, best = run.data.metrics[OBJECTIVE], champion.data.metrics[OBJECTIVE]
        if value < best if minimize else value > best:
            version = register(store, run_id, name, CHAMPION)
            return f"promoted: {mine} is {where} now, version {version}, in place of {theirs}"
        return f"not promoted: {where}, {theirs}, is as good or better than {mine}"


def copy_names(source: Store, target: Store, copies: Mapping[str, str]) -> None:
    """Give the models of copied runs the names and aliases that they have in the registry they come from.

    copies: by a run's id its copy's. An alias that the name has there already stays with whom it is.
    Raises what MLflow raises.
    """
    for name, aliases in _names(source):
        versions = {str(each.version): each.run_id for each in source.client.search_model_versions(_named(name))}
        made: dict[str, str] = {}  # by a version its copy's
        for version in sorted(versions, key=int):
            copy = copies.get(versions[version] or "")
            model = None if copy is None else run_model(target, copy)
            if copy is not None and model is not None:
                made[version] = _version_of(target, name, copy) or _new_version(target, name, copy, model)
        there = dict(_names(target, name)).get(name, {})
        for alias, version in aliases.items():
            if version in made and alias not in there:
                target.client.set_registered_model_alias(name, alias, made[version])


def _names(store: Store, name: str | None = None) -> Iterator[tuple[str, dict[str, str]]]:
    """The registered names with their aliases, or this one alone. Versions are text."""
    token = None
    while True:
        page = store.client.search_registered_models(None if name is None else _named(name), page_token=token)
        for each in page:
            yield str(each.name), {alias: str(version) for alias, version in each.aliases.items()}
        token = page.token
        if not token:
            return


def _named(name: str) -> str:
    return f"name = '{name}'"


@contextmanager
def model_files(store: Store, run_id: str) -> Iterator[Path]:
    """The folder of a run's model on this disk; what is elsewhere is there while the block runs.

    Raises UserError where the run has no model, or it cannot be had.
    """
    model = _model(store, run_id)
    database = sqlite_path(store.uri)
    beside = None if database is None else database.parent / ARTIFACTS / "models" / model.model_id / "artifacts"
    for folder in (beside, local_path(model.artifact_location)):
        if folder is not None and (folder / "MLmodel").is_file():
            yield folder
            return
    from mlflow.artifacts import download_artifacts

    with tempfile.TemporaryDirectory(prefix="catdog-model-") as place:
        with plain_errors(store.shown):
            # By its id MLflow would look for it in the store that its own variables name.
            found = download_artifacts(artifact_uri=model.artifact_location, dst_path=place, tracking_uri=store.uri)
        yield Path(found)


def _model(store: Store, run_id: str) -> LoggedModel:
    with plain_errors(store.shown):
        model = run_model(store, run_id)
    if model is None:
        raise UserError(
            f"run {run_id[:8]}: it has no model; those of earlier versions have none, `catdog rerun {run_id[:8]}` "
            "makes a run that has, and `catdog export --format onnx` writes its network"
        )
    return model


def _version_of(store: Store, name: str, run_id: str) -> str | None:
    """The version of a registered name that is a run's model; the name is made where it is not there."""
    from mlflow.exceptions import MlflowException

    try:
        store.client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    versions: list[ModelVersion] = store.client.search_model_versions(f"run_id = '{run_id}'")
    return next((str(each.version) for each in versions if each.name == name), None)


def _new_version(store: Store, name: str, run_id: str, model: LoggedModel) -> str:
    made = store.client.create_model_version(name, model.artifact_location, run_id, model_id=model.model_id)
    return str(made.version)


def _champion(store: Store, name: str) -> Run | None:
    """The run of the present champion; None where there is none, or its run is gone."""
    from mlflow.exceptions import MlflowException

    try:
        version = store.client.get_model_version_by_alias(name, CHAMPION)
        run = store.client.get_run(str(version.run_id))
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return run if run.info.lifecycle_stage == "active" and OBJECTIVE in run.data.metrics else None


def _described(run: Run) -> str:
    return f"run {run.info.run_id[:8]} ({run.data.tags.get(OBJECTIVE)} {run.data.metrics[OBJECTIVE]:.4f})"
