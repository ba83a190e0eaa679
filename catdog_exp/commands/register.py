"""`catdog register`: a run's network in the model registry."""

from collections.abc import Sequence

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.tracking.selecting import HOW


def main(words: Sequence[str]) -> int:
    """Register the model of the run that `words` name, and print where it is."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    selected = Selected("register", overrides)

    from catdog_exp.tracking.registry import register

    run_id = selected.record(chosen.run).run_id
    name = chosen.name or selected.config.tracking.experiment
    version = register(selected.store, run_id, name, chosen.alias)
    print(f"run {run_id[:8]} is models:/{name}@{chosen.alias}, version {version}")
    return 0


def _parser() -> Parser:
    parser = Parser(
        "catdog register",
        description="Give a run's network a name and an alias in MLflow's model registry, by which all commands take "
        "it (NAME@ALIAS). It is loaded and asked once before. KEY=VALUE changes the config, such as tracking.uri=URI.",
    )
    parser.add_argument("run", metavar="RUN", help=HOW)
    parser.add_argument("--name", help="the registered model's (default: the experiment's name)")
    parser.add_argument("--alias", default="champion", help="what this version is called (default: champion)")
    return parser
