"""`catdog runs`: an experiment's runs, and those that died without a word."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.errors import UserError
from catdog_exp.tables import table

if TYPE_CHECKING:
    from catdog_exp.tracking.run_list import ListedRun
    from catdog_exp.tracking.store import Store

LIMIT = 20  # runs listed, unless told otherwise


def main(words: Sequence[str]) -> int:
    """List the runs, or close the stale ones, as `words` say; the result goes to standard output."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    config = run_config(overrides).tracking
    if not config.enabled:
        raise UserError("runs: tracking.enabled=false keeps none; leave that out")

    from catdog_exp.tracking.store import store_if_there
    from catdog_exp.tracking.uris import without_password

    store = store_if_there(config)
    if store is None:
        print(f"no runs yet in the experiment {config.experiment} of {without_password(config.uri)}")
        return 0
    return _close(store) if chosen.stale else _list(store, chosen.limit)


def _parser() -> Parser:
    parser = Parser(
        "catdog runs",
        description="List the experiment's runs, the newest first. KEY=VALUE changes the config, such as "
        "tracking.experiment=NAME. A run is stale when MLflow has it as RUNNING though its process is dead.",
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--limit", metavar="N", type=_limit, default=LIMIT, help=f"at most N (default: {LIMIT})")
    choice.add_argument("--stale", action="store_true", help="close the stale runs as KILLED, and say which")
    return parser


def _limit(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"--limit {text}: give a whole number above 0")
    return int(text)


def _list(store: "Store", limit: int) -> int:
    from catdog_exp.tracking.run_list import listed_runs

    runs = listed_runs(store, limit + 1)
    if not runs:
        print(f"no runs in the experiment {store.experiment} of {store.shown}")
        return 0
    print(_table(runs[:limit]))
    if len(runs) > limit:
        print(f"there are older ones: --limit {10 * limit}", file=sys.stderr)
    stale = sum(run.status == "stale" for run in runs[:limit])
    if stale:
        print(f"stale: {stale}; `catdog runs --stale` closes them", file=sys.stderr)
    return 0


def _close(store: "Store") -> int:
    from catdog_exp.tracking.run_list import close_stale

    closed = close_stale(store)
    if not closed:
        print(f"no stale runs in the experiment {store.experiment} of {store.shown}")
    for run in closed:
        place = f"process {run.pid} on {run.host}"
        print(f"closed {run.run_id[:8]} ({run.name}): {place}, silent since {_time(run.last_sign)}")
    return 0


def _table(runs: Sequence["ListedRun"]) -> str:
    rows = []
    for run in runs:
        objective = "-" if run.objective is None else f"{run.objective:.4f}"
        sweep = "-" if run.parent is None else run.parent[:8]
        times = [_time(run.started), _span(run.seconds)]
        rows.append([run.run_id[:8], run.status, objective, *times, sweep, run.name])
    head = ["run", "status", "objective", "started", "took", "sweep", "name"]
    return "\n".join(table(head, rows, right={2, 4}, elastic=[6]))


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"
