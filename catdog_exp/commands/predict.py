"""`catdog predict`: labels and probabilities of pictures, by a run's network."""

import logging
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.console import ProgressBar
from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig

log = logging.getLogger(__name__)


def main(words: Sequence[str]) -> int:
    """Predict the pictures named in `words`; the table goes to standard output."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_intermixed_args(others)
    pictures = chosen.pictures
    if not pictures:
        raise UserError("predict: no pictures named; give files or folders, see catdog predict --help")
    for file, suffix in ((chosen.out, ".csv"), (chosen.show, ".png")):
        if file and (file.suffix.lower() != suffix or not file.parent.is_dir()):
            raise UserError(f"predict: {file} cannot be written: name a {suffix} file in a folder that is there")
    config = run_config(overrides)

    from catdog_exp.inference.named_pictures import NamedPictures
    from catdog_exp.inference.prediction import table, write_csv

    found = NamedPictures(pictures)

    from catdog_exp.inference.predictor import load_predictor
    from catdog_exp.inference.trained_network import Runs

    runs = Runs(config.tracking, config.objective, Path(config.paths.outputs), type(config.model))
    if chosen.run is not None:
        run = runs.find(chosen.run)
        log.info("network of run %s", run.described)
    else:
        run = runs.best(_dataset(config) if _chooses_data(config, overrides) else None)
    predictor = load_predictor(run.checkpoint, config.hardware, runs.own, max_pixels=config.data.max_pixels)
    with (
        closing(predictor.answers(found)) as answers,
        ProgressBar("predicting", found.total, "pictures", leave=False) as bar,
    ):
        predictions = []
        for answer in answers:
            predictions.append(answer)
            bar.advance(1)
    print(table(predictions))
    if chosen.out:
        write_csv(predictions, predictor.classes, chosen.out)
        print(f"written: {chosen.out}", file=sys.stderr)
    if chosen.show:
        from catdog_exp.plots.sheet import prediction_sheet

        prediction_sheet(predictions, chosen.show)
        print(f"drawn: {chosen.show}", file=sys.stderr)
    return 0


def _chooses_data(config: RunConfig, overrides: Sequence[str]) -> bool:
    """Whether the config's data set is one that `overrides` choose."""
    keys = [override.lstrip("+").partition("=")[0] for override in overrides]
    others = [
        override
        for override, key in zip(overrides, keys, strict=True)
        if key not in ("data", "experiment") and not key.startswith("data.")
    ]
    if "data" in keys or len(others) == len(overrides):
        return "data" in keys
    default = run_config(others).data
    return (config.data.source, config.data.classes) != (default.source, default.classes)


def _dataset(config: RunConfig) -> str:
    """The digest of the data set that the config names."""
    from catdog_exp.packs.plan import plan_pack

    data = config.data
    return plan_pack(data.source.listing(data.classes), data, Path(config.paths.outputs) / "packs").dataset


def _parser() -> Parser:
    parser = Parser("catdog predict", description="Labels and probabilities of pictures.")
    parser.add_argument(
        "pictures",
        nargs="*",
        metavar="PICTURES",
        help="picture files, or folders of them; KEY=VALUE changes the config, such as paths.outputs=DIR",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--run", metavar="ID", help="MLflow id of the run whose network predicts, or its first digits")
    which.add_argument(
        "--best",
        action="store_true",
        help="the best run's network, of the data set that data=… names, else of the last one (the default)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write the table as CSV too")
    parser.add_argument("--show", type=Path, metavar="FILE.png", help="draw the pictures with their labels")
    return parser
