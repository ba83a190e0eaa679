"""Contact sheets: what was packed, what a network says, where it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catdog_exp.inference.prediction import Prediction, read_square
from catdog_exp.pictures.decoding import Unreadable
from catdog_exp.pictures.resizing import center_square
from catdog_exp.plots.page import TILE, Band, Tile, write_page

if TYPE_CHECKING:
    from catdog_exp.batches.decoded import DecodedPictures
    from catdog_exp.inference.evaluation import Evaluation

UNSURE_BELOW = 0.75  # a label of less probability is marked
MOST_BANDS = 40  # a page of more classes is too long to look at


def preview_sheet(pictures: DecodedPictures, classes: Sequence[str], path: Path, per_class: int = 24) -> None:
    """Draw up to `per_class` packed pictures of each class, spread evenly over the pack, as a PNG at `path`.

    Raises UserError when `path` cannot be written.
    """
    bands = []
    for label, name in enumerate(classes[:MOST_BANDS]):
        places = np.flatnonzero(pictures.labels == label)
        shown = _spread(places.tolist(), per_class)
        tiles = [Tile(center_square(pictures.picture(place), pictures.size)) for place in shown]
        bands.append(Band(tiles, name, _count(len(places), "picture") + _of_which(len(shown), len(places))))
    note = f"{_count(len(pictures), 'picture')} in {_count(len(classes), 'class')}"
    note += f", short edge {pictures.size} pixels"
    if len(classes) > MOST_BANDS:
        note += f"; the first {MOST_BANDS} classes shown"
    write_page("Packed pictures", note, bands, path)


def prediction_sheet(predictions: Sequence[Prediction], path: Path, limit: int = 64) -> None:
    """Draw the first `limit` predicted pictures with label, probability and file name, as a PNG at `path`.

    A label with a probability below UNSURE_BELOW is framed and ends with a question mark; a picture that
    could not be read is an empty one.

    Raises UserError when `path` cannot be written.
    """
    tiles = [_predicted_tile(prediction) for prediction in predictions[:limit]]
    note = _count(len(predictions), "picture") + _of_which(len(tiles), len(predictions))
    if any(tile.mark == "unsure" for tile in tiles):
        note += f"; framed: less than {100 * UNSURE_BELOW:.0f} % sure"
    write_page("Predictions", note, [Band(tiles)], path)


def mistakes_sheet(pictures: DecodedPictures, evaluation: Evaluation, path: Path, limit: int = 32) -> None:
    """Draw the pictures that the network got most wrong, the surest mistake first, as a PNG at `path`.

    pictures: those that were evaluated, in the same order.
    Raises UserError when `path` cannot be written.
    """
    mistakes = evaluation.worst_mistakes(len(pictures))
    tiles = []
    for place in mistakes[:limit]:
        shares = evaluation.probabilities[place]
        said = f"said {evaluation.classes[shares.argmax()]} {_percent(shares.max())}"
        truth = f"truth: {evaluation.classes[evaluation.labels[place]]}"
        tiles.append(Tile(center_square(pictures.picture(place), pictures.size), (said, truth), "wrong"))
    note = f"{len(mistakes):,} of {_count(len(pictures), 'picture')} wrong"
    note += _of_which(len(tiles), len(mistakes))
    write_page("Worst mistakes", note, [Band(tiles)], path)


def _predicted_tile(prediction: Prediction) -> Tile:
    name = prediction.path.name
    if prediction.label is None or prediction.probability is None:
        return Tile(None, ("unreadable", name))
    try:
        picture = read_square(prediction.path, TILE)
    except Unreadable:
        return Tile(None, ("unreadable", name))
    unsure = prediction.probability < UNSURE_BELOW
    label = f"{prediction.label}{'?' if unsure else ''} {_percent(prediction.probability)}"
    return Tile(picture, (label, name), "unsure" if unsure else "none")


def _spread(places: list[int], count: int) -> list[int]:
    """At most `count` of the places, evenly far apart, the first one among them."""
    if len(places) <= count:
        return places
    return [places[number * len(places) // count] for number in range(count)]


def _count(number: int, what: str) -> str:
    plural = what + ("es" if what.endswith("s") else "s")
    return f"{number:,} {what if number == 1 else plural}"


def _of_which(shown: int, everything: int) -> str:
    return "" if shown == everything else f", {shown:,} shown"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
