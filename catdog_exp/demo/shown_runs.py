"""The runs whose networks the page offers, and what it tells of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.inference.trained_network import Runs
from catdog_exp.tracking.best_run import OBJECTIVE, FoundRun, best_first
from catdog_exp.tracking.done_stages import is_trained
from catdog_exp.tracking.registry import CHAMPION
from catdog_exp.tracking.selecting import REGISTERED
from catdog_exp.tracking.store import existing_store
from catdog_exp.tracking.store_errors import plain_errors
from catdog_exp.tracking.ui import page_of_run
from catdog_exp.training.objective import is_minimized

MOST = 500  # runs in the list
SIDES = {"best": "validation", "test": "test"}  # pictures that figures are of, by the beginning of a metric's name


@dataclass(frozen=True)
class Choice:
    """A run in the list. value: its objective."""

    run_id: str
    name: str
    value: float


def start_run(runs: Runs, word: str | None) -> tuple[FoundRun, bool]:
    """The run that the page opens with, and whether it is the champion.

    word: as `select` takes it; None: the registered champion of the experiment, else its best run.
    Raises UserError where there is none.
    """
    if word is not None:
        return runs.find(word), False
    try:
        return runs.find(f"{REGISTERED}{runs.tracking.experiment}@{CHAMPION}"), True
    except UserError:
        return runs.best(None), False


def choices(runs: Runs) -> list[Choice]:
    """The experiment's runs that have trained a network, the best first. Raises UserError when the store fails."""
    store = existing_store(runs.tracking)
    order = best_first(is_minimized(runs.objective))
    return [
        Choice(str(run.info.run_id), run.info.run_name or str(run.info.run_id), run.data.metrics[OBJECTIVE])
        for run in store.runs(f"tags.{OBJECTIVE} = '{runs.objective}'", order, MOST)
        if is_trained(run.info.status, run.data.tags) and math.isfinite(run.data.metrics.get(OBJECTIVE, math.nan))
    ]


def about(runs: Runs, run_id: str, *, here: bool) -> dict[str, Any]:
    """What is told of a run, each by a name for people, and the address of its page in the MLflow UI or None.

    here: whether it is this machine that asks. Raises UserError where there is no such run, or the store fails.
    """
    store = existing_store(runs.tracking)
    with plain_errors(store.shown):
        run = store.client.get_run(run_id)
    started = datetime.fromtimestamp(run.info.start_time / 1000).astimezone()
    tags, params, metrics = run.data.tags, run.data.params, run.data.metrics
    told = {
        "Name": run.info.run_name or "",
        "Run id": run_id[:8],
        "Network": params.get("model", ""),
        "Pictures": tags.get("pictures", ""),
        "Input": f"{size} × {size} pixels" if (size := params.get("data.resize")) else "",
        "Trained": f"{started:%-d %B %Y, %H:%M}",
        **_figures(metrics),
    }
    return {
        "figures": {name: text for name, text in told.items() if text},
        "page": page_of_run(store, run, here=here),
    }


def _figures(metrics: Mapping[str, float]) -> dict[str, str]:
    """What its evaluation found. Each side's accuracy stands with its 95 % confidence interval."""
    told = {}
    for side, name in SIDES.items():
        found = {key.removeprefix(f"{side}/"): value for key, value in metrics.items() if key.startswith(f"{side}/")}
        if "accuracy" in found:
            text = f"{100 * found['accuracy']:.1f} %"
            if {"accuracy_low", "accuracy_high"} <= set(found):
                low, high = (100 * found[f"accuracy_{end}"] for end in ("low", "high"))
                text += f" (95 %: {low:.1f} to {high:.1f})"
            count = f" on {found['pictures']:,.0f}" if "pictures" in found else " on"
            told[f"Accuracy{count} {name} pictures"] = text
        if "ece" in found:
            told[f"Probabilities off by ({name})"] = f"{100 * found['ece']:.1f} % in the mean"
    return told
