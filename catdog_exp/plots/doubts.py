"""Sheets of pictures to doubt: those that are on two sides, and those whose label is probably wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from catdog_exp.plots.page import Band, Tile, write_page

MOST = 64  # tiles below one heading


def duplicates_sheet(sides: Mapping[str, Sequence[tuple[Tile, Tile]]], path: Path) -> None:
    """Draw pairs of pictures beside each other, by the side of the first, as a PNG at `path`.

    Raises UserError when `path` cannot be written.
    """
    bands = []
    for side, pairs in sides.items():
        shown = pairs[: MOST // 2]
        bands.append(Band(list(chain(*shown)), side, _of(len(shown), len(pairs), "pairs")))
    write_page("Near-duplicates", "each judged picture, and the one of another side that it is nearly", bands, path)


def labels_sheet(sides: Mapping[str, Sequence[Tile]], path: Path) -> None:
    """Draw pictures whose label may be wrong, by their side, the most doubtful first, as a PNG at `path`.

    Raises UserError when `path` cannot be written.
    """
    bands = []
    for side, tiles in sides.items():
        likely = sum(tile.mark == "wrong" for tile in tiles)
        note = _of(min(len(tiles), MOST), len(tiles), "in doubt")
        bands.append(Band(tiles[:MOST], side, f"{note}; {likely:,} in colour are probably wrong"))
    write_page("Likely wrong labels", "what each is said to be, and what it rather seems to be", bands, path)


def _of(shown: int, found: int, what: str) -> str:
    return f"{found:,} {what}" + ("" if shown == found else f", {shown:,} shown")
