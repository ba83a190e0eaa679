"""The stage `evaluate`: how good a network is on pictures that it was not trained on, in figures and plots."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from catdog_exp.console import say
from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.experiment.judging import CHOSEN, TRAINED, digests_of, warn_of_unknown, without
from catdog_exp.experiment.stages.doubts import Side, log_doubtful_labels, log_near_duplicates
from catdog_exp.experiment.work import Work
from catdog_exp.sources.finding import some
from catdog_exp.tracking.run_log import TABLES

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.inference.classifier import Classifier
    from catdog_exp.inference.evaluation import Evaluation
    from catdog_exp.packs.store import Pack
    from catdog_exp.sources.source import Split

log = logging.getLogger(__name__)


def evaluate(work: Work, pack: Pack, network: Classifier, sides: dict[Split, DecodedPictures]) -> dict[str, float]:
    """Judge the network on each of the `sides`, leaving out what it has been trained on. Returns the figures.

    The training side is not judged, but the others are compared with it, and its labels are checked. Figures of the
    validation side are logged as `best/…`, those of the test side as `test/…`; so is a table of each.
    Raises UserError where the network is for other classes or sizes, or nothing is left to judge it on.
    """
    _check_fits(work, pack, network)
    checkpoint = network.checkpoint
    whose = "the network's first weights were" if checkpoint.pack else "this network, of an earlier version, was"
    warn_of_unknown(checkpoint.pictures, whose)
    tables, found, seen = [], dict[str, float](), list[Side]()
    for split, pictures in sides.items():
        if split == "train":
            seen.append(Side(split, pictures, digests_of(work.pack, pack, split)))
            continue
        judged, digests = without(pictures, digests_of(work.pack, pack, split), checkpoint.pictures, split, TRAINED)
        which = f"{split} picture{'s' * (len(judged) != 1)}"
        if split == "test":  # it is there to judge on what has chosen nothing
            judged, digests = without(judged, digests, checkpoint.choosing, split, CHOSEN)
        elif chose := len(judged) - len(checkpoint.choosing.others(digests)):
            which += ", which chose the epoch" if chose == len(judged) else f", {chose:,} of which chose the epoch"
        table, figures, evaluation = _judge(work, pack, network, split, judged, digests, which)
        tables.append(table)
        found |= figures
        seen.append(Side(split, judged, digests, evaluation))
    work.tracker.tags({TABLES: json.dumps([{"path": name, "type": "table"} for name in tables])})
    found |= log_near_duplicates(work, pack, seen)
    log_doubtful_labels(work, pack, seen)
    return found


def _judge(
    work: Work,
    pack: Pack,
    network: Classifier,
    split: Split,
    pictures: DecodedPictures,
    digests: list[str],
    which: str,
) -> tuple[str, dict[str, float], Evaluation]:
    """Judge the network on one side, and log that. Returns the name of the table, and the figures."""
    from catdog_exp.inference.comparison import evaluation_rows
    from catdog_exp.inference.evaluation import evaluate
    from catdog_exp.inference.grad_cam import NoHeatMap
    from catdog_exp.inference.picture_traits import picture_traits
    from catdog_exp.plots.confusion import confusion_plot
    from catdog_exp.plots.evaluation import evaluation_plot
    from catdog_exp.plots.sheet import mistakes_sheet

    evaluation = evaluate(pictures.labels, network.probabilities_of(pictures), pack.classes)
    prefix = "best" if split == "validation" else split
    figures = {f"{prefix}/{name}": value for name, value in evaluation.metrics().items()}
    if split == "validation":
        figures["best/epoch"] = network.checkpoint.epoch
    figures[f"{prefix}/pictures"] = len(pictures)
    work.tracker.figures(figures)
    ending = "" if split == "validation" else f"_{split}"
    confusion = work.folder / f"confusion_matrix{ending}.png"
    curves = work.folder / f"evaluation_curves{ending}.png"
    mistakes = work.folder / f"worst_mistakes{ending}.png"
    paths = {work.pack.contents[entry.path].sha256: entry.path for entry in work.pack.lists[split]}
    confusion_plot(evaluation.confusion, pack.classes, confusion)
    traits = picture_traits(pictures, [work.pack.listing.root / paths[digest] for digest in digests])
    evaluation_plot(evaluation, traits, curves)
    try:
        mistakes_sheet(pictures, evaluation, mistakes, explaining=network)
    except NoHeatMap as error:
        log.info("%s", error)
        mistakes_sheet(pictures, evaluation, mistakes)
    rows = evaluation_rows(evaluation, [escaped(paths[digest]) for digest in digests], digests)
    table = work.folder / f"evaluation{ending}.json"
    table.write_text(json.dumps(rows), encoding="utf-8")
    for file in (confusion, curves, mistakes, table):
        work.tracker.artifact(file)
    work.tracker.image(mistakes, f"pictures/{mistakes.stem}", step=0)  # one step for all: the grid compares runs by it
    say(log, f"on {len(pictures):,} {which}: {evaluation.shown}")
    return table.name, figures, evaluation


def _check_fits(work: Work, pack: Pack, network: Classifier) -> None:
    size = work.config.data.resize
    if (network.classes, network.size) != (pack.classes, size):
        raise UserError(
            f"the network is for {some(network.classes)} at {network.size} pixels, the pictures are "
            f"{some(pack.classes)} at {size}: choose another with predict.run=ID, or train one"
        )
