"""The view of an experiment that everyone who follows a link gets: a table of what compares its runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from catdog_exp.tracking.best_run import OBJECTIVE
from catdog_exp.tracking.limits import HIDDEN
from catdog_exp.tracking.links import ALL
from catdog_exp.tracking.run_log import PARENT
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors

_SHARED = "mlflow.sharedViewState."  # MLflow's tag of an experiment: a view, by its name
_SEEN = f"{HIDDEN}seen"  # tag of an experiment: of each setting a digest of its value, null where it varies
_METRICS = (OBJECTIVE, "best/accuracy", "best/loss", "test/accuracy")
_OF_SWEEPS = ("jobs/finished",)  # metrics that the jobs of one do not have
# The first sections of the page of charts, and how many stand beside each other there.
_SECTIONS = {"result": 2, "val": 3, "pictures": 2, "train": 3, "best": 3, "test": 3}
_PICTURES = ("worst_mistakes", "preview", "preview_augmented")
_MOST_NAMED = 40  # runs
_AXES = 6  # settings that have an axis beside the objective's
_MOST = 25  # settings that have a column; MLflow keeps 5,000 characters


def keep_view(
    store: Store, settings: Mapping[str, Any], minimize: bool, sweep: str = "", also: Sequence[str] = ()
) -> None:
    """Keep the experiment's view up with one more run: its columns are the settings in which runs differ.

    settings: the run's parameters. minimize: whether less of the objective is better. sweep: id of a sweep whose jobs
    get a view of their own. also: ids of runs of other sweeps whose results it has taken.

    Raises UserError when the store fails.
    """
    with plain_errors(store.shown):
        tags = store.client.get_experiment(store.experiment_id).tags
    seen = _read(tags.get(_SEEN, ""))
    for key, value in settings.items():
        mark = hashlib.sha256(str(value).encode()).hexdigest()[:6]
        if seen.setdefault(key, mark) != mark:
            seen[key] = None
    differing = [key for key, mark in seen.items() if mark is None]
    # What a chosen group brings stands last: `augment` tells it all by itself, mostly.
    varying = sorted(differing, key=lambda key: any(part in differing for part in key.split(".")[:-1]))[:_MOST]
    views = {ALL: _view(varying, minimize, "")}
    if sweep:
        views[sweep] = _view(varying, minimize, _of_sweep(store, sweep, also))
    wanted = {_SEEN: json.dumps(seen), **{f"{_SHARED}{name}": view for name, view in views.items()}}
    with plain_errors(store.shown):
        for key, value in wanted.items():
            if tags.get(key) != value:
                store.client.set_experiment_tag(store.experiment_id, key, value)


def _of_sweep(store: Store, sweep: str, also: Sequence[str]) -> str:
    """What MLflow finds the sweep's jobs by, and with them the others, as far as a view has room for their names."""
    own = f"tags.`{PARENT}` = '{sweep}'"
    if not also:
        return own
    ids = dict.fromkeys([*(str(run.info.run_id) for run in store.runs(own, limit=_MOST_NAMED)), *also])
    named = ", ".join(f"'{each}'" for each in ids)
    return f"attributes.run_id IN ({named})" if len(ids) <= _MOST_NAMED else own


def _read(text: str) -> dict[str, str | None]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}  # anyone may edit tags
    return found if isinstance(found, dict) else {}


def _view(settings: Sequence[str], minimize: bool, condition: str) -> str:
    """A view as MLflow's page keeps it; what is not said here it takes from its own default.

    It makes a chart for each other metric by itself, in a section for each word before a `/`.
    """
    metrics = (*_METRICS, *(() if condition else _OF_SWEEPS))
    columns = ["attributes.`Duration`", *(f"metrics.`{key}`" for key in metrics)]
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
            "runsHiddenMode": "FIRST_20_RUNS",
            "compareRunCharts": _charts(settings),
            "compareRunSections": [
                {"uuid": name, "name": name, "display": True, "isReordered": True, "deleted": False, "columns": columns}
                for name, columns in _SECTIONS.items()
            ],
            "viewMaximized": True,
            "runListHidden": False,
            "isAccordionReordered": True,
            "groupBy": None,
            "groupsExpanded": {},
            "useGroupedValuesInCharts": True,
        }
    )


def _charts(settings: Sequence[str]) -> list[dict[str, Any]]:
    """What the page of charts opens on: the objective of each run, and by the settings that vary; and pictures."""
    common = {"deleted": False, "isGenerated": False, "runsCountToCompare": 20}
    result = {**common, "metricSectionId": "result"}
    charts = [{**result, "uuid": "bars", "type": "BAR", "metricKey": OBJECTIVE, "displayName": OBJECTIVE}]
    if settings:
        axes = {"selectedParams": settings[:_AXES], "selectedMetrics": [OBJECTIVE], "showAllRuns": True}
        charts.append({**result, "uuid": "axes", "type": "PARALLEL", **axes})
    for key in _PICTURES:  # by itself MLflow's page shows all parameters in place of most of a picture
        shown = {"imageKeys": [f"pictures/{key}"], "displayName": key, "step": 0, "showRunParams": False}
        charts.append({**common, "metricSectionId": "pictures", "uuid": key, "type": "IMAGE", **shown})
    return charts
