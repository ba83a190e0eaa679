"""Unlabelled pictures to labels and probabilities, and these to files and terminals."""

from __future__ import annotations

import csv
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from catdog_exp import tables
from catdog_exp.console import ProgressBar
from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.images.decode import Unreadable, read_picture
from catdog_exp.images.limits import MAX_PIXELS, DecodingLimits
from catdog_exp.images.resize import Pixels, center_crop
from catdog_exp.packs.lst_files import Entry, write_list
from catdog_exp.parallel import in_order
from catdog_exp.paths import is_pattern
from catdog_exp.sources.finding import passed_over, pictures_inside

if TYPE_CHECKING:
    from catdog_exp.inference.classifier import Classifier

CHUNK_BYTES = 64 * 2**20  # of crops that wait for the network at once, at most
CHUNK_PICTURES = 256

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prediction:
    """What a network says of one picture file.

    label: name of the likeliest class, `probability` is its probability; both None for an unreadable file.
    probabilities: of all classes in the network's order, sum 1; empty for an unreadable file.
    reason: why the file could not be read, else empty.
    """

    path: Path
    label: str | None
    probability: float | None
    probabilities: tuple[float, ...]
    reason: str = ""


def find_pictures(paths: Iterable[str]) -> list[Path]:
    """The picture files that `paths` name, each once, sorted so that 2.jpg comes before 10.jpg.

    A file is taken whatever it is called; a folder stands for the pictures in it and in its subfolders, as
    `finding.pictures_inside` finds them. What is passed over is logged.

    Raises UserError, naming the path: it does not exist, is a pipe or a device, or is a folder without pictures.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if path.is_dir():
            pictures = _pictures_in(path)
        elif path.is_file():
            pictures = [path]
        elif path.exists():
            raise UserError(f"{path}: this is a pipe, a socket or a device, not a picture")
        else:
            why = "; the shell finds nothing for this pattern, or quotes keep it" if is_pattern(str(path)) else ""
            raise UserError(f"{path}: there is no such file or folder{why}")
        for picture in pictures:
            found.setdefault(os.path.abspath(picture), picture)  # noqa: PTH100 - resolve() would follow links
    return sorted(found.values(), key=_natural)


def predict(
    classifier: Classifier, pictures: Sequence[Path], threads: int, max_pixels: int = MAX_PIXELS
) -> list[Prediction]:
    """Classify picture files, prepared as packing prepares them, but for its JPEG compression.

    threads: how many files are read and decoded at once. max_pixels: of one picture, as packing has it.

    Returns a prediction for each file, in order. A file that cannot be read does not stop the others.
    Memory does not grow with the number of files. Many files show a progress bar on a terminal.
    """
    size = classifier.size
    limits = DecodingLimits(max_pixels)

    def read(path: Path) -> Pixels | Unreadable:
        try:
            return read_crop(path, size, limits)
        except Unreadable as error:
            return error

    chunk = max(1, min(CHUNK_PICTURES, CHUNK_BYTES // (3 * size * size)))
    predictions: list[Prediction] = []
    with (
        closing(in_order(read, pictures, threads)) as crops,
        ProgressBar("predicting", len(pictures), "pictures", leave=False) as bar,
    ):
        for start in range(0, len(pictures), chunk):
            paths = pictures[start : start + chunk]
            predictions += _classify(classifier, paths, list(islice(crops, len(paths))))
            bar.advance(len(paths))
    return predictions


def read_crop(path: Path, size: int, limits: DecodingLimits | None = None) -> Pixels:
    """The center crop of a picture file, shrunk as packing shrinks: RGB, shape (size, size, 3).

    Raises Unreadable, as `read_picture` does.
    """
    picture = center_crop(read_picture(path, size, limits), size)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def write_csv(predictions: Sequence[Prediction], classes: Sequence[str], path: Path) -> None:
    """Write a row for each prediction: path, label, probability, `p_<class>` for each class, reason.

    UTF-8, texts in quotes, whatever they hold; bytes of a path that are not UTF-8 as `\\x` and two hexadecimal digits.
    Raises UserError when `path` cannot be written.
    """
    with replacing(path) as aside, aside.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["path", "label", "probability", *(f"p_{name}" for name in classes), "reason"])
        for found in predictions:
            name = os.fsencode(found.path).decode(errors="backslashreplace")
            every: Sequence[Decimal | str] = [_digits(share) for share in found.probabilities] or [""] * len(classes)
            best = "" if found.probability is None else _digits(found.probability)
            writer.writerow([name, found.label or "", best, *every, found.reason])


def table(predictions: Sequence[Prediction], limit: int | None = None) -> str:
    """Aligned columns for a terminal: all predictions, or the first `limit` and how many more there are."""
    rows = []
    for found in predictions[:limit]:
        if found.label is None or found.probability is None:
            rows.append((str(found.path), "–", found.reason))
        else:
            rows.append((str(found.path), found.label, f"{100 * found.probability:5.1f} %"))
    lines = tables.table(("path", "label", "probability"), rows, elastic=(0, 2))
    if limit is not None and len(predictions) > limit:
        lines.append(f"and {len(predictions) - limit:,} more")
    return "\n".join(lines)


def write_test_list(pictures: Sequence[Path], path: Path) -> None:
    """Write the pictures as a `.lst` file, label 0, as im2rec.py lists pictures that have no label.

    Raises UserError when `path` cannot be written.
    """
    entries = [Entry(index, 0, picture.as_posix()) for index, picture in enumerate(pictures)]
    with replacing(path) as aside:
        write_list(aside, entries)


def _pictures_in(folder: Path) -> list[Path]:
    passed = Counter[str]()
    found = [folder / path for path in pictures_inside(folder, "", passed)]
    if not found:
        raise UserError(f"{folder}: there are no pictures in this folder ({passed_over(passed) or 'it is empty'})")
    if passed:
        log.info("%s: %s", folder, passed_over(passed))
    return found


def _natural(path: Path) -> tuple[list[list[str | int]], str]:
    # Text and numbers take turns in a split, so that like is compared with like.
    parts = [re.split(r"(\d+)", part.casefold()) for part in path.parts]
    return [[int(bit) if place % 2 else bit for place, bit in enumerate(part)] for part in parts], str(path)


def _classify(classifier: Classifier, paths: Sequence[Path], crops: Sequence[Pixels | Unreadable]) -> list[Prediction]:
    readable = [crop for crop in crops if not isinstance(crop, Unreadable)]
    rows = iter(classifier.probabilities(np.stack(readable)).tolist() if readable else [])
    found = []
    for path, crop in zip(paths, crops, strict=True):
        if isinstance(crop, Unreadable):
            found.append(Prediction(path, None, None, (), str(crop)))
        else:
            shares = next(rows)
            best = max(shares)
            found.append(Prediction(path, classifier.classes[shares.index(best)], best, tuple(shares)))
    return found


def _digits(share: float) -> Decimal:
    return Decimal(f"{share:.6f}")
