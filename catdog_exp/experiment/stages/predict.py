"""The stage `predict`: labels of pictures that have none."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING

from catdog_exp.console import say
from catdog_exp.experiment.work import Work

if TYPE_CHECKING:
    from catdog_exp.inference.classifier import Classifier

log = logging.getLogger(__name__)


def predict(work: Work, network: Classifier) -> None:
    """Label the run's pictures: a list, a table, a CSV file and a sheet of them."""
    from catdog_exp.inference.prediction import table, write_csv, write_test_list
    from catdog_exp.inference.predictor import predictor_of
    from catdog_exp.plots.sheet import prediction_sheet

    pictures = work.plan.to_predict
    files = [work.folder / name for name in ("test_file.lst", "predictions.csv", "predictions.png")]
    write_test_list(pictures, files[0])
    predictor = predictor_of(network.checkpoint, work.config.hardware, max_pixels=work.config.data.max_pixels)
    with closing(predictor.answers(pictures)) as answers:
        predictions = list(answers)
    write_csv(predictions, network.classes, files[1])
    prediction_sheet(predictions, files[2])
    for file in files:  # of other pictures, the same run may have others
        work.tracker.artifact(file, f"predictions/{work.plan.identities['predict'][:8]}")
    say(log, table(predictions, limit=20))
