"""A run's network among MLflow's logged models: one for each run, whatever the run does again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.tracking.limits import METRICS
from catdog_exp.tracking.run_log import CONTEXT
from catdog_exp.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Metric, Run

# By the beginning of metrics' names, what the run has read the pictures for that they are about.
CONTEXTS = {"objective": "validation", "best/": "validation", "test/": "testing"}


def log_model(store: Store, run_id: str, name: str, folder: Path, step: int) -> None:
    """Log a folder with an MLflow model as the run's, in place of the files of the one that it has.

    step: the epoch that it is of. The figures that the run has logged by now are tied to it, and to the dataset that
    they are about.

    Raises what MLflow raises.
    """
    from mlflow.entities import LoggedModelOutput

    client = store.client
    run = client.get_run(run_id)
    model = run_model(store, run_id)
    if model is None:
        tags = {"params_sha256": run.data.tags.get("params_sha256", "")}
        model = client.create_logged_model(
            store.experiment_id, name, source_run_id=run_id, params=run.data.params, tags=tags, model_type="classifier"
        )
    outputs = [] if run.outputs is None else run.outputs.model_outputs
    if not any(each.model_id == model.model_id for each in outputs):
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step)])
    client.log_model_artifacts(model.model_id, str(folder))
    tied = _tied_figures(store, run, model.model_id)
    for start in range(0, len(tied), METRICS):
        client.log_batch(run_id, metrics=tied[start : start + METRICS], synchronous=True)
    client.finalize_logged_model(model.model_id, "READY")


def _tied_figures(store: Store, run: Run, model_id: str) -> list[Metric]:
    """The run's figures once more, with the model and the dataset.

    MLflow takes them for the same, and no second ones, where time, step and value are.
    """
    from mlflow.entities import Metric

    inputs = [] if run.inputs is None else run.inputs.dataset_inputs
    read = {tag.value: each.dataset for each in inputs for tag in each.tags if tag.key == CONTEXT}
    tied = []
    for key in run.data.metrics:
        context = next((context for beginning, context in CONTEXTS.items() if key.startswith(beginning)), None)
        if context is None or context not in read:
            continue
        point, dataset = store.client.get_metric_history(run.info.run_id, key)[-1], read[context]
        tied.append(
            Metric(
                *(key, point.value, point.timestamp, point.step),
                model_id=model_id,
                dataset_name=dataset.name,
                dataset_digest=dataset.digest,
            )
        )
    return tied


def run_model(store: Store, run_id: str) -> LoggedModel | None:
    """The logged model of a run, None where it has none. Raises what MLflow raises."""
    found = store.client.search_logged_models(
        [store.experiment_id], filter_string=f"source_run_id = '{run_id}'", max_results=1
    )
    return found[0] if found else None
