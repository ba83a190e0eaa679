"""The stage `predict`: labels of pictures that have none."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING

from catdog_exp.console import ProgressBar, say
from catdog_exp.experiment.work import Work

if TYPE_CHECKING:
    from catdog_exp.inference.classifier import Classifier
    from catdog_exp.inference.prediction import Prediction

SHOWN = 20  # predictions in the log

log = logging.getLogger(__name__)


def predict(work: Work, network: Classifier) -> None:
    """Label the run's pictures: a list, a table, a CSV file and a sheet of them."""
    from catdog_exp.inference.prediction_files import prediction_file, write_test_list
    from catdog_exp.inference.predictor import predictor_of
    from catdog_exp.inference.report import Report
    from catdog_exp.plots.sheet import MOST_PREDICTED, prediction_sheet

    pictures = work.plan.to_predict
    files = [work.folder / name for name in ("test_file.lst", "predictions.csv", "predictions.png")]
    write_test_list(pictures, files[0])
    predictor = predictor_of(network.checkpoint, work.config.hardware, max_pixels=work.config.data.max_pixels)
    report, rows = Report(network.classes), list[str]()
    first: list[Prediction] = []
    with (
        prediction_file(files[1], network.classes) as write,
        ProgressBar("predicting", len(pictures), "pictures", leave=False) as bar,
        closing(predictor.answers(pictures)) as answers,
    ):
        for found in answers:
            write(found)
            row = report.row(found)
            rows += [row] * (len(rows) < SHOWN)
            first += [found] * (len(first) < MOST_PREDICTED)
            bar.advance(1)
    prediction_sheet(first, files[2], len(pictures))
    for file in files:  # of other pictures, the same run may have others
        work.tracker.artifact(file, f"predictions/{work.plan.identities['predict'][:8]}")
    more = [f"and {len(pictures) - SHOWN:,} more"] * (len(pictures) > SHOWN)
    say(log, "\n".join([report.head, *rows, *more, report.summary]))
