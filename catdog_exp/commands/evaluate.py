"""`catdog evaluate`: a run's network judged on other pictures."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.errors import UserError
from catdog_exp.tracking.selecting import HOW

OF_THE_NETWORK = ("model", "augment", "train", "objective")  # sections that are the judged run's
AS_IT_LEARNED = ("classes", "resize", "quality")  # keys of the pictures that are, unless the command says otherwise


def main(words: Sequence[str]) -> int:
    """Judge the network of the run that `words` name on the pictures that they name, in a run of its own."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    given = {word.lstrip("+").partition("=")[0] for word in overrides}
    if not any(key == "data" or key.startswith("data.") for key in given):
        raise UserError("evaluate: name the pictures to judge on, as data=folder data.root=DIR")
    selected = Selected("evaluate", overrides)
    record = selected.record(chosen.run)

    from catdog_exp.app.compose import compose
    from catdog_exp.app.main import main as run
    from catdog_exp.sweeps.composed import plain

    settings = plain(compose(overrides))
    learned = {key: record.settings["data"][key] for key in AS_IT_LEARNED if f"data.{key}" not in given}
    settings |= {key: record.settings[key] for key in OF_THE_NETWORK}
    settings |= {
        "data": {**settings["data"], **learned, "test_ratio": 1.0, "folds": None, "fold": 0},
        "chosen": {**record.settings.get("chosen", {}), "data": settings["chosen"]["data"]},
        "stages": ["pack", "evaluate"],
        "predict": {**settings["predict"], "run": record.run_id},
    }
    with tempfile.TemporaryDirectory(prefix="catdog-") as folder:
        (Path(folder) / "config.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        run(["--config-path", folder, "--config-name", "config"])
    return 0


def _parser() -> Parser:
    parser = Parser(
        "catdog evaluate",
        description="Judge a run's network on other pictures, all but those that it was trained or chosen on. Figures "
        "and files are logged as a run of its own. KEY=VALUE names the pictures, as data=folder data.root=DIR.",
    )
    parser.add_argument("run", metavar="RUN", help=HOW)
    return parser
