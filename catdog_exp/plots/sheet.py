"""Contact sheets: what was packed, what training makes of it, what a network says, where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catdog_exp.data.config import AugmentConfig
from catdog_exp.images.decode import Unreadable
from catdog_exp.images.resize import Pixels, center_crop
from catdog_exp.inference.pictures import square
from catdog_exp.inference.prediction import Prediction
from catdog_exp.plots.page import COLUMNS, TILE, Band, Tile, write_page

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.inference.classifier import Classifier
    from catdog_exp.inference.evaluation import Evaluation

MOST_PREDICTED = 64  # pictures of a sheet of predictions
UNSURE_BELOW = 0.75  # a label of less probability is marked
MOST_BANDS = 40  # a page of more classes is too long to look at
SHOWN_EPOCHS = 3
# What is shown together, and the keys of AugmentConfig that it is made of.
AUGMENTATIONS = {
    "crop": ("random_crop", "pad"),
    "flip": ("flip",),
    "scale and aspect": ("scale", "aspect"),
    "rotation": ("rotation",),
    "colour": ("brightness", "contrast", "saturation", "hue"),
    "cutout": ("cutout",),
    "mixup": ("mixup",),
    "CutMix": ("cutmix",),
    "label smoothing": ("label_smoothing",),
}
CHANGES_TARGETS = ("mixup", "cutmix", "label_smoothing")


def preview_sheet(pictures: DecodedPictures, classes: Sequence[str], path: Path, per_class: int = 24) -> None:
    """Draw up to `per_class` packed pictures of each class, spread evenly over the pack, as a PNG at `path`.

    Raises UserError when `path` cannot be written.
    """
    bands = []
    for label, name in enumerate(classes[:MOST_BANDS]):
        places = np.flatnonzero(pictures.labels == label)
        shown = _spread(places.tolist(), per_class)
        tiles = [Tile(center_crop(pictures.picture(place), pictures.size)) for place in shown]
        bands.append(Band(tiles, name, _count(len(places), "picture") + _of_which(len(shown), len(places))))
    note = f"{_count(len(pictures), 'picture')} in {_count(len(classes), 'class')}"
    note += f", short edge {pictures.size} pixels"
    if len(classes) > MOST_BANDS:
        note += f"; the first {MOST_BANDS} classes shown"
    write_page("Packed pictures", note, bands, path)


def augmented_sheet(
    pictures: DecodedPictures, classes: Sequence[str], augment: AugmentConfig, seed: int, path: Path
) -> None:
    """Draw a few pictures plain, with each augmentation that is on alone, and with all together, as a PNG at `path`.

    They are as training with this seed sees them; under those with a target of their own the classes in it.
    Raises UserError when `path` cannot be written.
    """
    nothing = AugmentConfig()
    chosen = _examples(pictures)
    bands = [_augmented_band(pictures, classes, nothing, seed, 1, chosen, "plain")]
    for name, keys in AUGMENTATIONS.items():
        changes = {key: getattr(augment, key) for key in keys if getattr(augment, key) != getattr(nothing, key)}
        if changes:
            alone = AugmentConfig(**changes)
            note = ", ".join(f"{key}={_setting(value)}" for key, value in changes.items())
            bands.append(_augmented_band(pictures, classes, alone, seed, 1, chosen, name, note))
    if len(bands) > 1:
        for epoch in range(1, SHOWN_EPOCHS + 1):
            note = f"epoch {epoch} of training"
            bands.append(_augmented_band(pictures, classes, augment, seed, epoch, chosen, "all together", note))
    how = "each augmentation alone, then all together" if len(bands) > 1 else "nothing is changed"
    write_page("Training pictures", f"{how}, with train.seed {seed}", bands, path)


def prediction_sheet(
    predictions: Sequence[Prediction], path: Path, count: int, explaining: Classifier | None = None
) -> None:
    """Draw predicted pictures, the first of `count`, with label, probability and file name, as a PNG at `path`.

    explaining: the network that predicted them; each is drawn once more, under its heat map.

    A label with a probability below UNSURE_BELOW is framed and ends with a question mark; a picture that
    could not be read is an empty one.

    Raises UserError when `path` cannot be written, NoHeatMap as `grad_cam.heat_maps` does.
    """
    tiles = [_predicted_tile(prediction) for prediction in predictions]
    if explaining is not None:
        quality = explaining.checkpoint.quality
        tiles = _with_heat(tiles, [_square(each, explaining.size, quality) for each in predictions], explaining)
    note = _count(count, "picture") + _of_which(len(tiles), count)
    if any(tile.mark == "unsure" for tile in tiles):
        note += f"; framed: less than {100 * UNSURE_BELOW:.0f} % sure"
    write_page("Predictions", note, [Band(tiles)], path)


def mistakes_sheet(
    pictures: DecodedPictures, evaluation: Evaluation, path: Path, limit: int = 32, explaining: Classifier | None = None
) -> None:
    """Draw the pictures that the network got most wrong, the surest mistake first, as a PNG at `path`.

    pictures: those that were evaluated, in the same order.
    explaining: the network; each picture is drawn once more, under its heat map.
    Raises UserError when `path` cannot be written, NoHeatMap as `grad_cam.heat_maps` does.
    """
    mistakes = evaluation.worst_mistakes(len(pictures))
    tiles = []
    for place in mistakes[:limit]:
        shares = evaluation.probabilities[place]
        said = f"said {evaluation.classes[shares.argmax()]} {_percent(shares.max())}"
        truth = f"truth: {evaluation.classes[evaluation.labels[place]]}"
        tiles.append(Tile(center_crop(pictures.picture(place), pictures.size), (said, truth), "wrong"))
    if explaining is not None:
        tiles = _with_heat(tiles, [tile.picture for tile in tiles], explaining)
    note = f"{len(mistakes):,} of {_count(len(pictures), 'picture')} wrong"
    note += _of_which(len(tiles), len(mistakes))
    write_page("Worst mistakes", note, [Band(tiles)], path)


def _examples(pictures: DecodedPictures) -> NDArray[np.int64]:
    """A row of pictures, of the classes by turns."""
    by_class = [np.flatnonzero(pictures.labels == label) for label in np.unique(pictures.labels)]
    shown = [_spread(places.tolist(), COLUMNS) for places in by_class]
    by_turns = [place for turn in zip_longest(*shown) for place in turn if place is not None]
    return np.array(by_turns[:COLUMNS], np.int64)


def _augmented_band(
    pictures: DecodedPictures,
    classes: Sequence[str],
    augment: AugmentConfig,
    seed: int,
    epoch: int,
    chosen: NDArray[np.int64],
    heading: str,
    note: str = "",
) -> Band:
    from catdog_exp.data.epoch import AugmentedEpoch

    crops, targets = AugmentedEpoch(pictures, augment, len(classes), seed, epoch).batch(chosen)
    told = any(getattr(augment, key) for key in CHANGES_TARGETS)
    tiles = [
        Tile(crop, _in_target(target, classes) if told else ())
        for crop, target in zip(crops.transpose(0, 2, 3, 1), targets, strict=True)
    ]
    return Band(tiles, heading, note)


def _setting(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _in_target(target: NDArray[np.float32], classes: Sequence[str]) -> tuple[str, ...]:
    """The first two classes of a target, with their shares."""
    return tuple(f"{classes[label]} {_percent(target[label])}" for label in target.argsort()[::-1][:2] if target[label])


def _predicted_tile(prediction: Prediction) -> Tile:
    name = PurePath(prediction.picture.name).name
    picture = _square(prediction, TILE)
    if picture is None or prediction.probability is None:
        return Tile(None, ("unreadable", name))
    unsure = prediction.probability < UNSURE_BELOW
    label = f"{prediction.label}{'?' if unsure else ''} {_percent(prediction.probability)}"
    return Tile(picture, (label, name), "unsure" if unsure else "none")


def _square(prediction: Prediction, size: int, quality: int | None = None) -> Pixels | None:
    """A predicted picture as `square` gives it; None where it could not be read, or cannot be any more."""
    if prediction.label is None:
        return None
    try:
        return square(prediction.picture, size, quality=quality)
    except Unreadable:
        return None


def _with_heat(tiles: Sequence[Tile], squares: Sequence[Pixels | None], network: Classifier) -> list[Tile]:
    """The tiles with the heat maps of what the network was shown, where there are both."""
    from catdog_exp.inference.grad_cam import heat_maps

    known = [each for each in squares if each is not None]
    maps = iter(list(heat_maps(network, np.stack(known))) if known else [])
    both = zip(tiles, squares, strict=True)
    return [tile if own is None else replace(tile, heat=next(maps)) for tile, own in both]


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
