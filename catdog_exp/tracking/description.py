"""The text that MLflow's page of a run begins with, and that of an experiment."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from catdog_exp.tracking.best_run import DATASET, OBJECTIVE, best_first
from catdog_exp.tracking.done_stages import is_trained
from catdog_exp.tracking.heartbeat import seconds_worked
from catdog_exp.tracking.links import ALL, RUN, VIEW, linked_runs, with_links
from catdog_exp.tracking.markdown import table_head, table_row
from catdog_exp.tracking.run_log import CONTEXT, SWEEP
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Run

NOTE = "mlflow.note.content"  # MLflow's tag of runs and experiments
TIME = "time/"  # how metrics begin that tell how many seconds a stage took
_SIDES = {"training": "to train on", "validation": "to validate on", "testing": "to test on"}
_DERIVED = ("model.parameters", "model.multiply_adds")  # parameters that follow from others
_MOST = 12  # settings that are named
_COUNTED = 100  # runs that an experiment's description counts: MLflow takes 5 ms of a processor for each
_DATASETS = 20  # that it names


def describe_run(store: Store, run_id: str, words: Sequence[str], minimize: bool) -> Run:
    """Say in words what the run was, how it went, and how it differs from the defaults and from the best so far.

    words: what its user set. minimize: whether less of the objective is better.
    Returns the run. Raises UserError when the store fails.
    """
    with plain_errors(store.shown):
        run = store.client.get_run(run_id)
    parts = [_what(run), _how(run)]
    if words:
        parts.append(f"Set by its command: {', '.join(f'`{word}`' for word in words)}.")
    parts.append(_beside_the_best(store, run, minimize))
    write_note(store, run_id, "\n\n".join(part for part in parts if part))
    return run


def write_note(store: Store, run_id: str, text: str) -> None:
    """Let the run's page begin with `text`, without the lines that link runs that have been deleted.

    `[…](run:ID)` links a run of the experiment. Raises UserError when the store fails.
    """
    named = ", ".join(f"'{each}'" for each in linked_runs(text))
    there = {run.info.run_id for run in store.runs(f"attributes.run_id IN ({named})")} if named else set()
    lines = [line for line in text.splitlines() if there.issuperset(linked_runs(line))]
    with plain_errors(store.shown):
        store.client.set_tag(run_id, NOTE, with_links("\n".join(lines), store.experiment_id))


def describe_experiment(store: Store, minimize: bool) -> None:
    """Say what is in the experiment: how many runs of each data set, and which is the best of each.

    Raises UserError when the store fails.
    """
    runs = list(store.runs(limit=_COUNTED + 1))
    more = len(runs) > _COUNTED
    by_dataset: dict[str, list[Run]] = {}
    for run in runs[:_COUNTED]:
        if DATASET in run.data.tags:
            by_dataset.setdefault(run.data.tags[DATASET], []).append(run)
    count = sum(map(len, by_dataset.values()))
    sweeps = sum(SWEEP in run.data.tags for run in runs[:_COUNTED])
    first = f"{_counted(count, 'run')} on {_counted(len(by_dataset), 'data set')}"
    first += f", {_counted(sweeps, 'sweep')}" * bool(sweeps) + f", of the newest {_COUNTED}" * more
    bests = {}
    for dataset, group in list(by_dataset.items())[:_DATASETS]:
        same = f"tags.{DATASET} = '{dataset}'"  # of many runs the best may be an old one
        bests[dataset] = _best(list(store.runs(same, best_first(minimize), limit=20)) if more else group, minimize)
    if len(by_dataset) == 1 and (best := next(iter(bests.values()))) is not None:
        first += f"; the best is {_link(best)}, {_value(best)}"
    lines = [f"{first}. [All compared]({VIEW}{ALL})", "", *table_head(["pictures", "runs", "best", "run"])]
    for dataset, best in bests.items():
        group = by_dataset[dataset]
        found = ["", ""] if best is None else [_value(best), _link(best)]
        lines.append(table_row([group[0].data.tags.get("pictures", "unknown"), str(len(group)), *found]))
    with plain_errors(store.shown):
        note = with_links("\n".join(lines), store.experiment_id)
        store.client.set_experiment_tag(store.experiment_id, NOTE, note)


def _what(run: Run) -> str:
    params, tags = run.data.params, run.data.tags
    recipe = f"recipe **{tags['recipe']}**, " if "recipe" in tags else ""
    network = f"{recipe}network **{params.get('model', 'unknown')}**"
    if "model.parameters" in params:
        network += f" with {int(params['model.parameters']):,} parameters"
    sides = []
    for entry in run.inputs.dataset_inputs if run.inputs else []:
        context = next((tag.value for tag in entry.tags if tag.key == CONTEXT), "")
        sides.append(f"{_pictures(entry.dataset.profile)} {_SIDES.get(context, '')}".strip())
    about = [tags.get("pictures", ""), ", ".join(sides)]
    if "data.resize" in params:
        about.append(f"{params['data.resize']} pixels, augmentation {params.get('augment', 'none')}")
    return f"{network[0].upper()}{network[1:]}. Pictures: {'; '.join(filter(None, about))}."


def _how(run: Run) -> str:
    metrics, params = run.data.metrics, run.data.params
    parts = []
    if OBJECTIVE in metrics:
        best = f"**{run.data.tags.get(OBJECTIVE, OBJECTIVE)} {metrics[OBJECTIVE]:.4f}**"
        if "best/epoch" in metrics:
            best += f" at epoch {metrics['best/epoch']:.0f} of {params.get('train.epochs', '?')}"
        parts.append(best)
    for side, which in (("best", "on the validation pictures"), ("test", "on the test pictures")):
        if f"{side}/accuracy" in metrics:
            low, high = (metrics.get(f"{side}/accuracy_{end}", math.nan) for end in ("low", "high"))
            parts.append(f"{which} accuracy {metrics[f'{side}/accuracy']:.4f} (95 % interval {low:.3f} to {high:.3f})")
    stages = {key.removeprefix(TIME): value for key, value in metrics.items() if key.startswith(TIME)}
    spent = ", ".join(f"{stage} {_span(seconds)}" for stage, seconds in stages.items())
    parts.append(f"{_span(seconds_worked(run))} in all" + f" ({spent})" * bool(spent))
    return "; ".join(parts) + "."


def _beside_the_best(store: Store, run: Run, minimize: bool) -> str:
    """How the run stands beside the best other one of the same pictures; "" where there is none."""
    tags = run.data.tags
    if DATASET not in tags or not math.isfinite(run.data.metrics.get(OBJECTIVE, math.nan)):
        return ""
    same = f"tags.{DATASET} = '{tags[DATASET]}' and tags.{OBJECTIVE} = '{tags.get(OBJECTIVE, '')}'"
    others = store.runs(f"{same} and attributes.run_id != '{run.info.run_id}'", best_first(minimize), limit=20)
    other = next((each for each in others if _counts(each)), None)
    if other is None:
        return "The first run on these pictures."
    ahead = run.data.metrics[OBJECTIVE] - other.data.metrics[OBJECTIVE]
    is_best = (ahead < 0) == minimize and ahead != 0
    differing = _differing(run.data.params, other.data.params)
    named = ", ".join(f"`{key}` {here} here, {there} there" for key, (here, there) in list(differing.items())[:_MOST])
    if len(differing) > _MOST:
        named += f" and {len(differing) - _MOST} more"
    beside = f"{_link(other)}, {_value(other)}. Settings that differ: {named or 'none'}."
    if is_best:
        return f"**The best so far on these pictures**, before {beside}"
    return f"As good as the best so far on these pictures, {beside}" if not ahead else f"The best so far: {beside}"


def _differing(here: Mapping[str, str], there: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    keys = [key for key in dict.fromkeys((*here, *there)) if key not in _DERIVED]
    return {key: (here.get(key, "unset"), there.get(key, "unset")) for key in keys if here.get(key) != there.get(key)}


def _best(runs: Sequence[Run], minimize: bool) -> Run | None:
    sign = 1 if minimize else -1
    return min((run for run in runs if _counts(run)), key=lambda run: sign * run.data.metrics[OBJECTIVE], default=None)


def _counts(run: Run) -> bool:
    """Whether the run has a result that others compare with."""
    return math.isfinite(run.data.metrics.get(OBJECTIVE, math.nan)) and is_trained(run.info.status, run.data.tags)


def _value(run: Run) -> str:
    return f"{run.data.tags.get(OBJECTIVE, OBJECTIVE)} {run.data.metrics[OBJECTIVE]:.4f}"


def _link(run: Run) -> str:
    name = (run.info.run_name or run.info.run_id).translate({ord(letter): f"\\{letter}" for letter in "[]|*_"})
    return f"[{name}]({RUN}{run.info.run_id})"


def _pictures(profile: str | None) -> str:
    try:
        counts = json.loads(profile or "{}")
        return f"{sum(counts.values()):,}"
    except (ValueError, TypeError, AttributeError):
        return ""


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"
