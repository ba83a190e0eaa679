"""The stage `evaluate`: how good a network is on pictures that it was not trained on, in figures and plots."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from catdog_exp.console import say
from catdog_exp.errors import UserError
from catdog_exp.experiment.judging import CHOSEN, TRAINED, digests_of, warn_of_unknown, without
from catdog_exp.experiment.work import Work
from catdog_exp.sources.finding import some

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.inference.classifier import Classifier
    from catdog_exp.packs.store import Pack
    from catdog_exp.sources.source import Split

log = logging.getLogger(__name__)


def evaluate(work: Work, pack: Pack, network: Classifier, sides: dict[Split, DecodedPictures]) -> None:
    """Judge the network on each of the `sides`, leaving out what it has been trained on.

    Figures of the validation side are logged as `best/…`, at the network's epoch; those of the test side as `test/…`.
    Raises UserError where the network is for other classes or sizes, or nothing is left to judge it on.
    """
    _check_fits(work, pack, network)
    checkpoint = network.checkpoint
    whose = "the network's first weights were" if checkpoint.pack else "this network, of an earlier version, was"
    warn_of_unknown(checkpoint.pictures, whose)
    for split, pictures in sides.items():
        judged, digests = without(pictures, digests_of(work.pack, pack, split), checkpoint.pictures, split, TRAINED)
        which = f"{split} picture{'s' * (len(judged) != 1)}"
        if split == "test":  # it is there to judge on what has chosen nothing
            judged, digests = without(judged, digests, checkpoint.choosing, split, CHOSEN)
        elif chose := len(judged) - len(checkpoint.choosing.others(digests)):
            which += ", which chose the epoch" if chose == len(judged) else f", {chose:,} of which chose the epoch"
        _judge(work, pack, network, split, judged, which)


def _judge(work: Work, pack: Pack, network: Classifier, split: Split, pictures: DecodedPictures, which: str) -> None:
    from catdog_exp.inference.evaluation import evaluate
    from catdog_exp.plots.confusion import confusion_plot
    from catdog_exp.plots.sheet import mistakes_sheet

    evaluation = evaluate(pictures.labels, network.probabilities_of(pictures), pack.classes)
    prefix, step = ("best", network.checkpoint.epoch) if split == "validation" else (split, 0)
    figures = {f"{prefix}/{name}": value for name, value in evaluation.metrics().items()}
    work.tracker.figures({**figures, f"{prefix}/pictures": len(pictures)}, step=step)
    ending = "" if split == "validation" else f"_{split}"
    confusion = work.folder / f"confusion_matrix{ending}.png"
    mistakes = work.folder / f"worst_mistakes{ending}.png"
    confusion_plot(evaluation.confusion, pack.classes, confusion)
    mistakes_sheet(pictures, evaluation, mistakes)
    for picture in (confusion, mistakes):
        work.tracker.artifact(picture)
    say(log, f"on {len(pictures):,} {which}: {evaluation.shown}")


def _check_fits(work: Work, pack: Pack, network: Classifier) -> None:
    size = work.config.data.resize
    if (network.classes, network.size) != (pack.classes, size):
        raise UserError(
            f"the network is for {some(network.classes)} at {network.size} pixels, the pictures are "
            f"{some(pack.classes)} at {size}: choose another with predict.run=ID, or train one"
        )
