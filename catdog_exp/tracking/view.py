"""The view of an experiment that everyone who follows a link gets: a table of what compares its runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from catdog_exp.tracking.best_run import OBJECTIVE
from catdog_exp.tracking.limits import HIDDEN
from catdog_exp.tracking.run_log import PARENT
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors

ALL = "catdog"  # the name of the view of all runs; a sweep's has the sweep's own id
_SHARED = "mlflow.sharedViewState."  # MLflow's tag of an experiment: a view, by its name
_SEEN = f"{HIDDEN}seen"  # tag of an experiment: of each setting a digest of its value, null where it varies
_METRICS = (OBJECTIVE, "best/accuracy", "best/loss", "test/accuracy", "jobs/finished")
_MOST = 25  # settings that have a column; MLflow keeps 5,000 characters


def keep_view(store: Store, settings: Mapping[str, Any], minimize: bool, sweep: str = "") -> None:
    """Keep the experiment's view up with one more run: its columns are the settings in which runs differ.

    settings: the run's parameters. minimize: whether less of the objective is better. sweep: id of a sweep whose jobs
    get a view of their own.

    Raises UserError when the store fails.
    """
    with plain_errors(store.shown):
        tags = store.client.get_experiment(store.experiment_id).tags
    seen = _read(tags.get(_SEEN, ""))
    for key, value in settings.items():
        mark = hashlib.sha256(str(value).encode()).hexdigest()[:6]
        if seen.setdefault(key, mark) != mark:
            seen[key] = None
    varying = [key for key, mark in seen.items() if mark is None][:_MOST]
    views = {ALL: _view(varying, minimize, "")}
    if sweep:
        views[sweep] = _view(varying, minimize, f"tags.`{PARENT}` = '{sweep}'")
    wanted = {_SEEN: json.dumps(seen), **{f"{_SHARED}{name}": view for name, view in views.items()}}
    with plain_errors(store.shown):
        for key, value in wanted.items():
            if tags.get(key) != value:
                store.client.set_experiment_tag(store.experiment_id, key, value)


def view_path(experiment_id: str, name: str = ALL) -> str:
    """Where a view is, from a server's address on. MLflow's pages are for language models unless told otherwise."""
    return f"/#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={name}"


def _read(text: str) -> dict[str, str | None]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}  # anyone may edit tags
    return found if isinstance(found, dict) else {}


def _view(settings: Sequence[str], minimize: bool, condition: str) -> str:
    """A view as MLflow's page keeps it; what is not said here it takes from its own default."""
    columns = ["attributes.`Duration`", *(f"metrics.`{key}`" for key in _METRICS)]
    return json.dumps(
        {
            "searchFilter": condition,
            "orderByKey": f"metrics.`{OBJECTIVE}`",
            "orderByAsc": minimize,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            "selectedColumns": [*columns, *(f"params.`{key}`" for key in settings)],
            "runsExpanded": {},
            "runsPinned": [],
            "runsHidden": [],
            "compareRunCharts": None,
            "viewMaximized": True,
            "runListHidden": False,
            "isAccordionReordered": False,
            "groupBy": None,
            "groupsExpanded": {},
            "useGroupedValuesInCharts": True,
        }
    )
