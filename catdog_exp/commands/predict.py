"""`catdog predict`: labels and probabilities of pictures, by a run's network."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.console import ProgressBar, show
from catdog_exp.errors import UserError
from catdog_exp.tracking.selecting import HOW

if TYPE_CHECKING:
    from catdog_exp.inference.named_pictures import NamedPictures
    from catdog_exp.inference.prediction import Prediction
    from catdog_exp.inference.prediction_files import Write
    from catdog_exp.inference.predictor import Predictor
    from catdog_exp.training.config import HardwareConfig

ROWS = 100  # on a terminal; who wants more of them wants a file
HELD_BACK = 0.2  # seconds that rows wait for others: whatever is written takes turns with the threads that decode

log = logging.getLogger(__name__)


def main(words: Sequence[str]) -> int:
    """Predict the pictures named in `words`; rows go to standard output. Returns 1 where one could not be read."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_intermixed_args(others)
    _check(chosen)
    config = run_config(overrides)

    from catdog_exp.inference.named_pictures import NamedPictures
    from catdog_exp.inference.prediction_files import growing_file, number_of, prediction_file, submission_file

    named = None if chosen.watch else NamedPictures(chosen.pictures)
    if chosen.submission and named is not None and named.total is not None:
        for picture in named:
            number_of(picture)  # before any work

    from catdog_exp.commands.chosen_network import chosen_checkpoint
    from catdog_exp.inference.predictor import load_predictor

    predictor = load_predictor(
        chosen_checkpoint(chosen.model, config, overrides),
        config.hardware,
        type(config.model),
        batch_size=chosen.batch_size,
        max_pixels=config.data.max_pixels,
    )
    if chosen.submission and len(predictor.classes) != 2:
        raise UserError(f"predict: --submission is for two classes, and this network has {len(predictor.classes)}")
    with ExitStack() as files:
        writers, known = [], set[str]()
        if chosen.out and chosen.watch:
            write, known = files.enter_context(growing_file(chosen.out, predictor.classes, chosen.top_k))
            writers.append(write)
        elif chosen.out:
            writers.append(files.enter_context(prediction_file(chosen.out, predictor.classes, chosen.top_k)))
        if chosen.submission:
            writers.append(files.enter_context(submission_file(chosen.submission)))
        answers = _arriving(predictor, chosen.watch, known) if named is None else _named(predictor, named)
        first, unreadable, count = _told(files.enter_context(closing(answers)), predictor.classes, chosen, writers)
    for file in filter(None, (chosen.out, chosen.submission)):
        print(f"written: {file}", file=sys.stderr)
    for sheet, explained in ((chosen.show, False), (chosen.explain, True)):
        if sheet:
            _draw(sheet, first, count, predictor, config.hardware if explained else None)
            print(f"drawn: {sheet}", file=sys.stderr)
    return 1 if unreadable else 0


def _told(
    answers: Iterator[Prediction], classes: Sequence[str], chosen: argparse.Namespace, writers: Sequence[Write]
) -> tuple[list[Prediction], int, int]:
    """Write each answer, and a row of it to standard output. Returns the first ones, and how many could not be read,
    of how many."""
    from catdog_exp.inference.report import Report

    drawn = 0
    if chosen.show or chosen.explain:
        from catdog_exp.plots.sheet import MOST_PREDICTED as drawn
    report, first, count, started = Report(classes, chosen.top_k or 1), list["Prediction"](), 0, time.monotonic()
    most = ROWS if sys.stdout.isatty() and not chosen.watch else None
    rows, shown = [report.head], started
    try:
        for answer in answers:
            found = answer.at(chosen.threshold)
            for write in writers:
                write(found)
            row = report.row(found)
            if most is None or count < most:
                rows.append(row)
            if chosen.watch or time.monotonic() - shown > HELD_BACK:
                _show(rows, whatever=bool(writers))
                shown = time.monotonic()
            first += [found] * (count < drawn)
            count += 1
    except KeyboardInterrupt:
        if not chosen.watch:  # which has no other end
            raise
    finally:
        _show(rows, whatever=bool(writers))
    if most is not None and count > most:
        show(f"and {count - most:,} more; --out FILE.csv keeps all")
    speed = f"; {count / (time.monotonic() - started):,.0f} pictures/s" * (count > ROWS)
    print(f"{report.summary}{speed}", file=sys.stderr)
    return first, report.unreadable, count


def _draw(
    file: Path, first: Sequence[Prediction], count: int, predictor: Predictor, explained_on: HardwareConfig | None
) -> None:
    """Draw the first of so many predictions; with hardware for MXNet, which has the gradients, their heat maps too."""
    from catdog_exp.plots.sheet import prediction_sheet

    network = None
    if explained_on is not None:
        from catdog_exp.inference.classifier import Classifier

        device, batch_size = explained_on.device, explained_on.batch_size
        network = Classifier.of(predictor.checkpoint, device, batch_size, predictor.threads)
    prediction_sheet(first, file, count, network)


def _show(rows: list[str], *, whatever: bool) -> None:
    """Write rows to standard output, and forget them.

    whatever: go on where nobody reads it any more, as behind `| head`.
    """
    if not rows:
        return
    try:
        show("\n".join(rows))
    except BrokenPipeError:
        if not whatever:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    rows.clear()


def _named(predictor: Predictor, pictures: NamedPictures) -> Generator[Prediction, None, None]:
    with (
        ProgressBar("predicting", pictures.total, "pictures", leave=False) as bar,
        closing(predictor.answers(pictures)) as answers,
    ):
        for found in answers:
            yield found
            bar.advance(1)


def _arriving(predictor: Predictor, folder: Path, known: set[str]) -> Generator[Prediction, None, None]:
    """Without end. known: names of pictures that are answered already."""
    from catdog_exp.inference.arrivals import arrivals
    from catdog_exp.inference.prediction_files import written_name

    log.info("watching %s; Ctrl-C ends it", folder)
    for pictures in arrivals(folder):
        new = [picture for picture in pictures if written_name(picture) not in known]
        known.difference_update(map(written_name, pictures))  # one that changes is answered anew
        yield from predictor.answers(new)


def _check(chosen: argparse.Namespace) -> None:
    if bool(chosen.pictures) == bool(chosen.watch):
        raise UserError(
            "predict: name either pictures or --watch DIR"
            if chosen.watch
            else "predict: no pictures named; give files or folders, see catdog predict --help"
        )
    if chosen.watch and not chosen.watch.is_dir():
        raise UserError(f"predict: --watch {chosen.watch}: there is no such folder")
    if chosen.watch and chosen.submission:
        raise UserError("predict: --submission needs all pictures, and --watch never has them all")
    endings = (".csv", ".jsonl") if chosen.watch else (".csv", ".jsonl", ".parquet")
    sheets = [(file, (".png",)) for file in (chosen.show, chosen.explain)]
    for file, allowed in ((chosen.out, endings), (chosen.submission, (".csv",)), *sheets):
        if file and (file.suffix.lower() not in allowed or not file.parent.is_dir()):
            raise UserError(
                f"predict: {file} cannot be written: name a {' or '.join(allowed)} file in a folder that is there"
            )
    if not 0 <= chosen.threshold <= 1:
        raise UserError(f"predict: --threshold {chosen.threshold:g}: give a probability, 0 to 1")
    for name in ("top_k", "batch_size"):
        if (value := getattr(chosen, name)) is not None and value < 1:
            raise UserError(f"predict: --{name.replace('_', '-')} {value}: give 1 or more")


def _parser() -> Parser:
    parser = Parser(
        "catdog predict",
        description="Labels and probabilities of pictures. Ends with 1 where one cannot be read. KEY=VALUE changes the "
        "config, such as paths.outputs=DIR; data=… takes the best run that was trained on that data set.",
    )
    parser.add_argument(
        "pictures",
        nargs="*",
        metavar="PICTURES",
        help="files, folders, zip archives, patterns in quotes; - for paths on standard input, one a line",
    )
    parser.add_argument("--model", "--run", metavar="RUN", help=f"whose network predicts: a checkpoint file, or {HOW}")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all to a .csv, .jsonl or .parquet file")
    parser.add_argument("--submission", type=Path, metavar="FILE.csv", help="write id,label as Kaggle takes it")
    parser.add_argument("--show", type=Path, metavar="FILE.png", help="draw the first pictures with their labels")
    parser.add_argument(
        "--explain", type=Path, metavar="FILE.png", help="draw them with where the network saw what it says (Grad-CAM)"
    )
    parser.add_argument("--top-k", type=int, metavar="K", help="the K likeliest classes of each picture")
    parser.add_argument(
        "--threshold", type=float, default=0.0, metavar="P", help="below this probability the label is `unsure`"
    )
    parser.add_argument("--batch-size", type=int, metavar="N", help="pictures that are computed at once")
    parser.add_argument("--watch", type=Path, metavar="DIR", help="answer about pictures as they arrive in a folder")
    return parser
