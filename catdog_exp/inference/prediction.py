"""What a network says of a picture, and how people are told."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from catdog_exp import tables
from catdog_exp.files import replacing
from catdog_exp.inference.pictures import Picture
from catdog_exp.packs.lst_files import Entry, write_list


@dataclass(frozen=True)
class Prediction:
    """What a network says of one picture.

    label: name of the likeliest class, `probability` is its probability; both None for an unreadable picture.
    probabilities: of all classes in the network's order, sum 1; empty for an unreadable picture.
    reason: why the picture could not be read, else empty.
    """

    picture: Picture
    label: str | None
    probability: float | None
    probabilities: tuple[float, ...]
    reason: str = ""

    @classmethod
    def of(cls, picture: Picture, classes: Sequence[str], probabilities: Sequence[float]) -> Prediction:
        """Of a picture that could be read. probabilities: of all classes."""
        best = max(probabilities)
        return cls(picture, classes[probabilities.index(best)], best, tuple(probabilities))


def write_csv(predictions: Sequence[Prediction], classes: Sequence[str], path: Path) -> None:
    """Write a row for each prediction: path, label, probability, `p_<class>` for each class, reason.

    UTF-8, texts in quotes, whatever they hold; bytes of a path that are not UTF-8 as `\\x` and two hexadecimal digits.
    Raises UserError when `path` cannot be written.
    """
    with replacing(path) as aside, aside.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["path", "label", "probability", *(f"p_{name}" for name in classes), "reason"])
        for found in predictions:
            name = os.fsencode(found.picture.name).decode(errors="backslashreplace")
            every: Sequence[Decimal | str] = [_digits(share) for share in found.probabilities] or [""] * len(classes)
            best = "" if found.probability is None else _digits(found.probability)
            writer.writerow([name, found.label or "", best, *every, found.reason])


def table(predictions: Sequence[Prediction], limit: int | None = None) -> str:
    """Aligned columns for a terminal: all predictions, or the first `limit` and how many more there are."""
    rows = []
    for found in predictions[:limit]:
        if found.label is None or found.probability is None:
            rows.append((found.picture.name, "–", found.reason))
        else:
            rows.append((found.picture.name, found.label, f"{100 * found.probability:5.1f} %"))
    lines = tables.table(("path", "label", "probability"), rows, elastic=(0, 2))
    if limit is not None and len(predictions) > limit:
        lines.append(f"and {len(predictions) - limit:,} more")
    return "\n".join(lines)


def write_test_list(pictures: Sequence[Picture], path: Path) -> None:
    """Write the pictures as a `.lst` file, label 0, as im2rec.py lists pictures that have no label.

    Raises UserError when `path` cannot be written.
    """
    entries = [Entry(index, 0, picture.name) for index, picture in enumerate(pictures)]
    with replacing(path) as aside:
        write_list(aside, entries)


def _digits(share: float) -> Decimal:
    return Decimal(f"{share:.6f}")
