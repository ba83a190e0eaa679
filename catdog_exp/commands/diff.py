"""`catdog diff`: what differs between runs, and whether the difference of their results may be luck."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.errors import UserError
from catdog_exp.experiment.parameters import parameters
from catdog_exp.tables import table
from catdog_exp.tracking.selecting import HOW

if TYPE_CHECKING:
    from catdog_exp.tracking.record import Record

PER_EPOCH = ["train/accuracy", "train/loss", "val/accuracy", "val/loss"]
PICTURES = {"dataset": "data set", "pack": "pack"}  # tags that tell which pictures, by a name for people


def main(words: Sequence[str]) -> int:
    """Compare the runs that `words` name, on standard output."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    if len(chosen.runs) < 2:
        raise UserError("diff: give two runs or more")
    if chosen.plot and (chosen.plot.suffix.lower() != ".png" or not chosen.plot.parent.is_dir()):
        raise UserError(f"diff: {chosen.plot} cannot be written: name a .png file in a folder that is there")
    selected = Selected("diff", overrides)

    records = [selected.record(word) for word in chosen.runs]
    for head, sides in (
        ("setting", [parameters(record.settings) for record in records]),
        ("pictures", [{name: record.tags.get(tag) for tag, name in PICTURES.items()} for record in records]),
        ("origin", [record.origin for record in records]),
        ("metric", [record.metrics for record in records]),
    ):
        print("\n".join(_differing(head, sides, records)))
        print()
    for line in _luck(selected, records):
        print(line)
    if chosen.plot:
        from catdog_exp.plots.curves import compared_curves
        from catdog_exp.tracking.record import history

        histories = [history(selected.store, record.run_id, PER_EPOCH) for record in records]
        compared_curves(
            {f"{record.short} {record.name}": each for record, each in zip(records, histories, strict=True)},
            chosen.plot,
        )
        print(f"drawn: {chosen.plot}")
    return 0


def _differing(head: str, sides: Sequence[Mapping[str, Any]], records: Sequence["Record"]) -> list[str]:
    """A table of the keys whose values differ, a column for each run; one line where none do."""
    keys = list(dict.fromkeys(key for side in sides for key in side))
    rows = [
        [key, *(_shown(side.get(key)) for side in sides)]
        for key in keys
        if any(left.get(key) != right.get(key) for left, right in pairwise(sides))
    ]
    if not rows:
        return [f"{head}: no difference"]
    return table([head, *(record.short for record in records)], rows, elastic=range(1, len(sides) + 1))


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _luck(selected: Selected, records: Sequence["Record"]) -> list[str]:
    """Of each run against the first: whether their difference on the same validation pictures may be luck."""
    from catdog_exp.inference.comparison import EVALUATION, compare
    from catdog_exp.tracking.record import logged_table

    if any(EVALUATION not in record.files for record in records):
        return [f"whether the difference is luck cannot be said: not all of the runs have an {EVALUATION}"]
    first, *others = (logged_table(selected.store, record.run_id, EVALUATION, selected.downloads) for record in records)
    names = [record.short for record in records]
    return [compare(first, other).in_words(names[0], name) for other, name in zip(others, names[1:], strict=True)]


def _parser() -> Parser:
    parser = Parser(
        "catdog diff",
        description="What differs between runs: settings, pictures, commit, versions and figures, and whether the "
        "difference of their accuracies may be luck. KEY=VALUE changes the config, such as tracking.uri=URI.",
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", help=HOW)
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw their curves over each other")
    return parser
