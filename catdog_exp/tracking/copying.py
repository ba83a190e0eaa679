"""The history of one store copied to another: runs with all that they hold, each once however often it is asked for."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.heartbeat import is_alive
from catdog_exp.tracking.limits import BATCH, HIDDEN, METRICS
from catdog_exp.tracking.registry import copy_names
from catdog_exp.tracking.store import Store, existing_store, open_store
from catdog_exp.tracking.store_errors import plain_errors

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Run

ORIGIN = f"{HIDDEN}origin"  # tag of a copied run or model: the id that it has where it comes from
COPIED = f"{HIDDEN}copied"  # tag of a copied run, once it is whole: the state that it had there


@dataclass(frozen=True)
class Copied:
    """A run and its copy. how: `copied`, `there already`, or why it is not copied."""

    run_id: str
    name: str
    copy: str
    how: str


def experiments(config: TrackingConfig) -> list[str]:
    """The names of the experiments of the configured store that have runs. Raises UserError when it fails."""
    store = existing_store(config)
    with plain_errors(store.shown):
        found = store.client.search_experiments()
        return [each.name for each in found if store.client.search_runs([each.experiment_id], max_results=1)]


def copy_history(config: TrackingConfig, to: str) -> Iterator[Copied]:
    """Copy the runs of the configured experiment to the store at the URI `to`, into an experiment of the same name.

    Their parameters, metrics with steps and times, tags, inputs, files, models with their names in the registry, and
    which stands under which. A run that is there already is left alone, unless it has gone on since. One that is under
    way is left out.

    Raises UserError when one of the stores fails; the same again goes on from there.
    """
    source = existing_store(config)
    target = open_store(dataclasses.replace(config, uri=to, artifacts=None, parent_run=None))
    ids: dict[str, str] = {}  # by a run's id its copy's
    for run in source.runs(order=("attributes.start_time ASC", "attributes.run_id")):  # parents before their children
        run_id, name = str(run.info.run_id), run.info.run_name or str(run.info.run_id)
        if is_alive(run.info.status, run.data.tags):
            yield Copied(run_id, name, "", "left out: it is under way")
            continue
        there = next(target.runs(f"tags.`{ORIGIN}` = '{run_id}'"), None)
        state = f"{run.info.status} {run.info.end_time}"
        if there is not None and there.data.tags.get(COPIED) == state:
            ids[run_id] = str(there.info.run_id)
            yield Copied(run_id, name, ids[run_id], "there already")
            continue
        with plain_errors(target.shown):
            ids[run_id] = _copy_run(source, target, run, there, ids)
            target.client.set_tag(ids[run_id], COPIED, state)
        yield Copied(run_id, name, ids[run_id], "copied")
    with plain_errors(target.shown):
        _copy_experiment_tags(source, target, ids)
        copy_names(source, target, ids)


def _copy_run(source: Store, target: Store, run: Run, there: Run | None, ids: Mapping[str, str]) -> str:
    """Copy a run, into the copy that is there where one is. Returns the copy's id."""
    run_id, client = str(run.info.run_id), target.client
    tags = {key: ids.get(value, value) for key, value in run.data.tags.items()}  # a parent's, and that of a rerun
    tags[ORIGIN] = run_id
    if there is None:
        made = client.create_run(target.experiment_id, run.info.start_time, tags, run.info.run_name)
        copy = str(made.info.run_id)
    else:
        copy = str(there.info.run_id)
        for key, value in tags.items():
            client.set_tag(copy, key, value)
    _copy_values(source, target, run, copy)
    _copy_models(source, target, run_id, copy)
    if run.inputs is not None and run.inputs.dataset_inputs:
        client.log_inputs(copy, run.inputs.dataset_inputs)
    if source.client.list_artifacts(run_id):
        with tempfile.TemporaryDirectory() as aside:
            client.log_artifacts(copy, source.client.download_artifacts(run_id, "", aside))
    if run.info.status != "RUNNING":
        client.set_terminated(copy, run.info.status, run.info.end_time)
    return copy


def _copy_values(source: Store, target: Store, run: Run, copy: str) -> None:
    from mlflow.entities import Metric, Param

    params = [Param(key, value) for key, value in run.data.params.items()]
    for start in range(0, len(params), BATCH):
        target.client.log_batch(copy, params=params[start : start + BATCH], synchronous=True)
    metrics = [
        Metric(point.key, point.value, point.timestamp, point.step)
        for key in run.data.metrics
        for point in source.client.get_metric_history(run.info.run_id, key)
    ]
    for start in range(0, len(metrics), METRICS):
        target.client.log_batch(copy, metrics=metrics[start : start + METRICS], synchronous=True)


def _copy_models(source: Store, target: Store, run_id: str, copy: str) -> None:
    from mlflow.entities import LoggedModelOutput, Metric

    outputs = source.client.get_run(run_id).outputs
    steps = {} if outputs is None else {each.model_id: each.step for each in outputs.model_outputs}
    there = {model.tags.get(ORIGIN) for model in _models(target, copy)}
    for model in _models(source, run_id):
        if model.model_id in there:
            continue
        made = target.client.create_logged_model(
            target.experiment_id, model.name, copy, dict(model.tags), dict(model.params), model.model_type
        )
        _copy_files(source, target, model, made.model_id)
        metrics = [
            Metric(
                metric.key,
                metric.value,
                metric.timestamp,
                metric.step,
                model_id=made.model_id,
                dataset_name=metric.dataset_name,
                dataset_digest=metric.dataset_digest,
            )
            for metric in model.metrics or []
        ]
        target.client.log_batch(copy, metrics=metrics, synchronous=True)
        target.client.finalize_logged_model(made.model_id, "READY")
        target.client.log_outputs(copy, [LoggedModelOutput(made.model_id, steps.get(model.model_id, 0))])
        # Last: one without it was cut off, and is copied anew.
        target.client.set_logged_model_tags(made.model_id, {ORIGIN: model.model_id})


def _models(store: Store, run_id: str) -> list[LoggedModel]:
    return list(store.client.search_logged_models([store.experiment_id], f"source_run_id = '{run_id}'"))


def _copy_files(source: Store, target: Store, model: LoggedModel, copy: str) -> None:
    import mlflow.artifacts

    with tempfile.TemporaryDirectory() as aside:
        files: Any = mlflow.artifacts.download_artifacts(
            artifact_uri=model.artifact_location, dst_path=aside, tracking_uri=source.uri
        )
        target.client.log_model_artifacts(copy, str(Path(files)))


def _copy_experiment_tags(source: Store, target: Store, ids: Mapping[str, str]) -> None:
    """What people see of the experiment, its views and its description, where the other has none of its own."""
    there = target.client.get_experiment(target.experiment_id).tags
    for key, value in source.client.get_experiment(source.experiment_id).tags.items():
        for old, new in ids.items():
            key, value = key.replace(old, new), value.replace(old, new)
        if key not in there:
            target.client.set_experiment_tag(target.experiment_id, key, value)
