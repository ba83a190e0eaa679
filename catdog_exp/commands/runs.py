"""`catdog runs`: an experiment's runs, and those that died without a word."""

import csv
import io
import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.errors import UserError
from catdog_exp.tables import table

if TYPE_CHECKING:
    from catdog_exp.tracking.run_list import ListedRun
    from catdog_exp.tracking.store import Store

LIMIT = 20  # runs listed, unless told otherwise
FIRM = ("run", "status", "objective", "started", "took", "sweep")  # columns that are never cut


def main(words: Sequence[str]) -> int:
    """List the runs, or close the stale ones, as `words` say; the result goes to standard output."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    others_given = [
        name for name in ("filter", "sweep", "sort", "columns", "form", "ascending") if getattr(chosen, name)
    ]
    if chosen.stale and (others_given or chosen.limit != LIMIT):
        raise UserError("runs: --stale closes all that are stale; of the other flags it takes --experiment alone")
    run = run_config(overrides)
    config = run.tracking
    if not config.enabled:
        raise UserError("runs: tracking.enabled=false keeps none; leave that out")
    if chosen.experiment is not None:
        config = replace(config, experiment=chosen.experiment, run=None)

    from catdog_exp.tracking.journal import unsent_line
    from catdog_exp.tracking.run_list import COLUMNS
    from catdog_exp.tracking.store import store_if_there
    from catdog_exp.tracking.uris import without_password

    store = store_if_there(config)
    if store is None:
        if chosen.form:
            print(_written([], chosen.columns or COLUMNS, chosen.form))
        print(
            f"no runs yet in the experiment {config.experiment} of {without_password(config.uri)}",
            file=sys.stderr if chosen.form else sys.stdout,
        )
        return 0
    if line := unsent_line(Path(run.paths.outputs)):
        print(line, file=sys.stderr)
    return _close(store) if chosen.stale else _list(store, chosen, run.objective)


def _parser() -> Parser:
    parser = Parser(
        "catdog runs",
        description="List the experiment's runs, the newest first. KEY=VALUE changes the config, such as "
        "tracking.uri=URI. A run is stale when MLflow has it as RUNNING though its process is dead.",
    )
    parser.add_argument("--limit", metavar="N", type=_limit, default=LIMIT, help=f"at most N (default: {LIMIT})")
    parser.add_argument(
        "--filter",
        metavar="CONDITION",
        default="",
        help="in MLflow's search syntax: \"metrics.objective > 0.9 and params.model = 'cnn'\"",
    )
    parser.add_argument("--sweep", metavar="RUN", help="the jobs of this sweep; last: of the newest one")
    parser.add_argument("--experiment", metavar="NAME", help="of this experiment")
    parser.add_argument("--sort", metavar="KEY", help="by a column, metric, setting or tag, the largest first")
    parser.add_argument("--ascending", action="store_true", help="the smallest first")
    parser.add_argument(
        "--columns",
        metavar="KEY,…",
        type=_columns,
        help="instead of the usual ones: columns, metrics, settings or tags",
    )
    form = parser.add_mutually_exclusive_group()
    for name in ("json", "csv"):
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name, help=f"as {name.upper()}")
    parser.add_argument("--stale", action="store_true", help="close the stale runs as KILLED, and say which")
    return parser


def _limit(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"--limit {text}: give a whole number above 0")
    return int(text)


def _columns(text: str) -> list[str]:
    names = list(filter(None, (name.strip() for name in text.split(","))))
    return list(dict.fromkeys(["run", *names]))  # without their ids there is no way back to the runs


def _list(store: "Store", chosen: Namespace, objective: str) -> int:
    from catdog_exp.tracking.run_list import COLUMNS, STARTED, listed_runs, no_such_column, sweep_condition
    from catdog_exp.training.objective import is_minimized

    conditions = [chosen.filter] if chosen.filter.strip() else []
    if chosen.sweep is not None:
        conditions.append(sweep_condition(store, chosen.sweep, objective, is_minimized(objective)))
    sort = chosen.sort or STARTED
    limit: int = chosen.limit
    runs = listed_runs(store, limit + 1, " and ".join(conditions), sort, ascending=chosen.ascending)
    columns = chosen.columns or COLUMNS
    if not runs and not chosen.form:
        print(f"no{' such' * bool(conditions)} runs in the experiment {store.experiment} of {store.shown}")
        return 0
    print(_written(runs[:limit], columns, chosen.form))
    for column in columns if runs else ():
        if column not in COLUMNS and all(run.value(column) is None for run in runs):
            print(no_such_column(runs, column), file=sys.stderr)
    if len(runs) > limit:
        print(f"there are more: --limit {10 * limit}", file=sys.stderr)
    stale = sum(run.status == "stale" for run in runs[:limit])
    if stale:
        print(f"stale: {stale}; `catdog runs --stale` closes them", file=sys.stderr)
    return 0


def _written(runs: Sequence["ListedRun"], columns: Sequence[str], form: str | None) -> str:
    """The runs as a table for people, or whole and exact: as JSON or CSV."""
    values = [[run.value(column) for column in columns] for run in runs]
    if form == "json":
        return json.dumps([dict(zip(columns, row, strict=True)) for row in values], indent=2, ensure_ascii=False)
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *values])
        return text.getvalue().removesuffix("\n")
    rows = [[_shown(column, value) for column, value in zip(columns, row, strict=True)] for row in values]
    numbers = [place for place, column in enumerate(zip(*values, strict=True)) if _are_numbers(column)]
    elastic = [place for place, column in enumerate(columns) if column not in FIRM]
    return "\n".join(table(columns, rows, right=numbers, elastic=elastic))


def _are_numbers(values: Sequence[object]) -> bool:
    return all(value is None or isinstance(value, int | float) for value in values)


def _shown(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if column in ("run", "sweep"):
        return str(value)[:8]
    if column == "started":
        return _time(datetime.fromisoformat(value).timestamp())
    if column == "took":
        return _span(value)
    return f"{value:.4f}" if column == "objective" else f"{value:.5g}" if isinstance(value, float) else str(value)


def _close(store: "Store") -> int:
    from catdog_exp.tracking.run_list import close_stale

    closed = close_stale(store)
    if not closed:
        print(f"no stale runs in the experiment {store.experiment} of {store.shown}")
    for run in closed:
        place = f"process {run.pid} on {run.host}"
        print(f"closed {run.run_id[:8]} ({run.name}): {place}, silent since {_time(run.last_sign)}")
    return 0


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"
