"""`catdog sweeps`: an experiment's sweeps, and how far they are."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.tables import table

LIMIT = 20  # sweeps listed, unless told otherwise


def main(words: Sequence[str]) -> int:
    """List the sweeps, the newest first, on standard output."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    selected = Selected("sweeps", overrides)
    from catdog_exp.tracking.sweep_list import COLUMNS, listed_sweeps
    from catdog_exp.tracking.uris import is_server
    from catdog_exp.training.objective import is_minimized

    store = selected.store
    sweeps = list(listed_sweeps(store, chosen.limit, is_minimized(selected.config.objective)))
    if chosen.json:
        print(json.dumps(sweeps, indent=2, ensure_ascii=False))
    elif not sweeps:
        print(f"no sweeps in the experiment {store.experiment} of {store.shown}; `catdog -m KEY=VALUE,VALUE` makes one")
    else:
        columns = [*COLUMNS, *(["link"] if is_server(store.uri) else [])]
        rows = [[_shown(column, sweep[column]) for column in columns] for sweep in sweeps]
        print("\n".join(table(columns, rows, right=range(2, 6), elastic=[7])))
    return 0


def _parser() -> Parser:
    parser = Parser(
        "catdog sweeps",
        description="List the experiment's sweeps, the newest first, with their jobs. `catdog sweep` steers "
        "one. KEY=VALUE changes the config, such as tracking.uri=URI.",
    )
    parser.add_argument("--limit", metavar="N", type=int, default=LIMIT, help=f"at most N (default: {LIMIT})")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _shown(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if column == "sweep":
        return str(value)[:8]
    if column == "started":
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S}"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
