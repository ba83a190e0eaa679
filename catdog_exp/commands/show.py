"""`catdog show`: one run, from its settings to the command that repeats it."""

import shlex
from collections.abc import Sequence

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.experiment.parameters import parameters
from catdog_exp.tables import table
from catdog_exp.tracking.selecting import HOW


def main(words: Sequence[str]) -> int:
    """Print the run that `words` name to standard output."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    selected = Selected("show", overrides)

    record = selected.record(chosen.run)
    took = "" if record.seconds is None else f", {record.seconds:.0f} s"
    print(f"run {record.run_id} ({record.name}), {record.status}{took}")
    print(f"MLflow: {selected.store.link(record.run_id)}")
    settings = parameters(record.settings)
    metrics = {key: f"{value:.6g}" for key, value in sorted(record.metrics.items())}
    for head, rows in (("setting", settings), ("metric", metrics), ("origin", record.origin)):
        print()
        print("\n".join(table([head, "value"], [[key, str(value)] for key, value in rows.items()], elastic=[1])))
    print()
    print("\n".join(["files", *record.files, f"in {record.artifacts}"]))
    print()
    print(f"started with: {shlex.join(['catdog', *record.words])}")
    print(f"to repeat it: catdog rerun {record.short}")
    return 0


def _parser() -> Parser:
    parser = Parser(
        "catdog show",
        description="One run: its settings, figures, origin, files, and the command that repeats it. KEY=VALUE changes "
        "the config, such as tracking.uri=URI.",
    )
    parser.add_argument("run", metavar="RUN", help=HOW)
    return parser
