"""What an evaluation finds to doubt in the pictures themselves: near-duplicates between sides, and wrong labels."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from catdog_exp.console import say
from catdog_exp.escaping import escaped
from catdog_exp.experiment.work import Work
from catdog_exp.packs.corrections import CORRECTION, PICTURE, SHA256, corrections_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.inference.evaluation import Evaluation
    from catdog_exp.packs.store import Pack
    from catdog_exp.plots.page import Mark, Tile
    from catdog_exp.sources.source import Split

HASHES = "hashes.npy"
DUPLICATES = [PICTURE, "side", "class", "near", "near_side", "near_class", "likeness", "mirrored", SHA256]
LABELS = [PICTURE, "side", "class", "suggested", "probability", "likely_wrong", CORRECTION, SHA256]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Side:
    """Pictures of one side, and the digests of their contents. evaluation: of a network on them, None for those that
    it was trained on."""

    split: Split
    pictures: DecodedPictures
    digests: list[str]
    evaluation: Evaluation | None = None


def log_near_duplicates(work: Work, pack: Pack, sides: Sequence[Side]) -> dict[str, float]:
    """Log which judged pictures nearly are one of an earlier side, and how good the network is on the others.

    sides: in the order train, validation, test. Returns the figures, by metric.
    """
    from catdog_exp.images.duplicates import near_duplicates
    from catdog_exp.plots.doubts import duplicates_sheet

    if len(sides) < 2:
        return {}
    names, classes = _names(work), work.config.data.classes
    rows: list[list[str]] = []
    drawn: dict[str, list[tuple[Tile, Tile]]] = {}
    figures: dict[str, float] = {}
    known = _hashes(sides[0], pack, work.threads)
    for number, side in enumerate(sides[1:], start=1):
        hashes = _hashes(side, pack, work.threads)
        found = near_duplicates(hashes, known)
        known = np.concatenate([known, hashes])
        others = [(other, place) for other in sides[:number] for place in range(len(other.pictures))]
        for each in found:
            pair = [(side, each.place), others[each.other]]
            told = [[names[one.digests[at]], one.split, classes[one.pictures.labels[at]]] for one, at in pair]
            how = f"{each.likeness:.4f}", "yes" if each.mirrored else "no"
            rows.append([*told[0], *told[1], *how, side.digests[each.place]])
            tiles = [_tile(one, at, one.split, names) for one, at in pair]
            drawn.setdefault(side.split, []).append((tiles[0], tiles[1]))
        prefix = "best" if side.split == "validation" else side.split
        figures |= _without_duplicates(side, [each.place for each in found], prefix)
    work.tracker.figures(figures)
    if rows:
        table, sheet = work.folder / "near_duplicates.csv", work.folder / "near_duplicates.png"
        _write(table, DUPLICATES, rows)
        duplicates_sheet(drawn, sheet)
        for file in (table, sheet):
            work.tracker.artifact(file)
    return figures


def _hashes(side: Side, pack: Pack, threads: int) -> NDArray[np.float32]:
    """The perceptual hashes of a side. Those of the training side, which is large, are kept in the pack's folder."""
    from catdog_exp.data.kept_folder import kept_folder
    from catdog_exp.images.duplicates import FORMAT, perceptual_hashes

    def hashes() -> NDArray[np.float32]:
        return perceptual_hashes(side.pictures.in_order(), threads)

    if side.evaluation is not None:
        return hashes()
    place = pack.folder / "hashes" / side.split
    kept = kept_folder(
        pack, place, {"format": FORMAT}, (HASHES,), "hashes", lambda folder: np.save(folder / HASHES, hashes())
    )
    return hashes() if kept is None else cast("NDArray[np.float32]", np.load(kept / HASHES))


def _without_duplicates(side: Side, places: list[int], prefix: str) -> dict[str, float]:
    """How many pictures of a side are near-duplicates, and the accuracy on its others, where there are both."""
    assert side.evaluation is not None
    figures = {f"{prefix}/near_duplicates": float(len(places))}
    right = side.evaluation.probabilities.argmax(axis=1) == side.evaluation.labels
    others = np.delete(right, places)
    if places:
        line = f"{len(places):,} of {len(right):,} {side.split} pictures are nearly one of another side"
        if len(others):
            figures[f"{prefix}/accuracy_without_near_duplicates"] = float(others.mean())
            line += f", accuracy without them {others.mean():.4f}"
        say(log, f"{line} (near_duplicates.png)")
    return figures


def log_doubtful_labels(work: Work, pack: Pack, sides: Sequence[Side]) -> None:
    """Log which labels are probably wrong: of judged pictures, and of those trained on where features are at hand.

    Pictures that `data.corrections` says something of are not asked for again; what it says is handed on.
    """
    from catdog_exp.inference.label_check import doubtful_labels
    from catdog_exp.plots.doubts import labels_sheet

    names, classes = _names(work), work.config.data.classes
    corrections = work.config.data.corrections
    given = [row for _, row in corrections_in(Path(corrections))] if corrections is not None else []
    settled = {row.get(column) for row in given for column in (PICTURE, SHA256)} - {None, ""}
    rows: list[list[str]] = []
    drawn: dict[str, list[Tile]] = {}
    for side in sides:
        probabilities = _held_out(side, pack)
        if probabilities is None:
            continue
        for doubt in doubtful_labels(side.pictures.labels, probabilities):
            digest = side.digests[doubt.place]
            name, label, suggested = names[digest], classes[doubt.label], classes[doubt.suggested]
            if {name, digest} & settled:
                continue
            told = f"{doubt.probability:.4f}", "yes" if doubt.likely else "no"
            rows.append([name, side.split, label, suggested, *told, "", digest])
            line = f"{label}? {suggested} {100 * doubt.probability:.0f} %"
            tile = _tile(side, doubt.place, line, names, "wrong" if doubt.likely else "none")
            drawn.setdefault(side.split, []).append(tile)
    if not rows:
        return
    counts = {side: f"{sum(tile.mark == 'wrong' for tile in tiles)} of {len(tiles)}" for side, tiles in drawn.items()}
    rows += [[row.get(column) or "" for column in LABELS] for row in given]
    table, sheet = work.folder / "likely_wrong_labels.csv", work.folder / "likely_wrong_labels.png"
    _write(table, LABELS, rows)
    labels_sheet(drawn, sheet)
    for file in (table, sheet):
        work.tracker.artifact(file)
    shown = ", ".join(f"{count} {side}" for side, count in counts.items())
    log.info("labels in doubt that are probably wrong: %s (%s; to correct: %s)", shown, sheet.name, table.name)


def _held_out(side: Side, pack: Pack) -> NDArray[np.float64] | None:
    """What is said of a side's pictures by networks that have not seen them; None where that is not known."""
    from catdog_exp.data.features import FeaturedPictures

    if side.evaluation is not None:
        return side.evaluation.probabilities
    if isinstance(side.pictures, FeaturedPictures):
        from catdog_exp.inference.cross_validation import cross_validated

        return cross_validated(side.pictures, pack)
    return None


def _names(work: Work) -> Mapping[str, str]:
    """A path for each picture's digest."""
    return {
        work.pack.contents[entry.path].sha256: escaped(entry.path)
        for entries in work.pack.lists.values()
        for entry in entries
    }


def _tile(side: Side, place: int, line: str, names: Mapping[str, str], mark: Mark = "none") -> Tile:
    from catdog_exp.images.resize import center_crop
    from catdog_exp.plots.page import Tile

    picture = center_crop(side.pictures.picture(place), side.pictures.size)
    return Tile(picture, (line, names[side.digests[place]].rpartition("/")[2]), mark)


def _write(file: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([head, *rows])
