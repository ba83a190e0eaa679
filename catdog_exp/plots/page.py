"""A white page of captioned pictures in even rows, drawn with Pillow and written as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from catdog_exp.files import replacing
from catdog_exp.images.resize import Pixels
from catdog_exp.plots.heat import heated

Mark = Literal["none", "unsure", "wrong"]

TILE = 128  # edge of a drawn picture, pixels
COLUMNS = 8
MARGIN = 24
GAP = 12
WIDEST = COLUMNS * (TILE + GAP) - GAP
FRAME = 4

INK = (32, 33, 36)
PALE = (112, 117, 122)
RULE = (218, 220, 224)
BLANK = (241, 243, 244)
# Dark enough to be read as text on white (contrast above 5 : 1).
MARK_COLOURS: dict[Mark, tuple[int, int, int]] = {"none": INK, "unsure": (160, 95, 0), "wrong": (190, 60, 0)}


@dataclass(frozen=True)
class Tile:
    """One picture and the lines under it; the first line is the bold one.

    picture: square RGB, or None for one that cannot be shown.
    heat: 0..1, square; the picture is then drawn once more, to the right of itself, under this map.
    mark: "unsure" frames the picture; "unsure" and "wrong" colour the first line.
    """

    picture: Pixels | None
    lines: tuple[str, ...] = ()
    mark: Mark = "none"
    heat: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Band:
    """Tiles under one heading; `note` follows the heading in a paler ink. An empty heading takes no room."""

    tiles: Sequence[Tile]
    heading: str = ""
    note: str = ""

    @property
    def step(self) -> int:
        """From one tile's left edge to the next one's, pixels."""
        return TILE * (1 + any(tile.heat is not None for tile in self.tiles)) + GAP

    @property
    def columns(self) -> int:
        """Tiles of a row."""
        return (WIDEST + GAP) // self.step


def write_page(title: str, note: str, bands: Sequence[Band], path: Path) -> None:
    """Draw `bands` below a title and a note, and write the page to `path` as PNG.

    Raises UserError when `path` cannot be written.
    """
    image = _draw(title, note, bands)
    with replacing(path) as aside:
        image.save(aside, format="PNG", compress_level=4)  # 6, the default, takes twice as long for 3 % less


def _draw(title: str, note: str, bands: Sequence[Band]) -> Image.Image:
    grid = max(min(band.columns, max(1, len(band.tiles))) * band.step - GAP for band in bands)
    words = max(_font(22, "bold").getlength(_plain(title)), _font(14).getlength(_plain(note)))
    for band in bands:
        words = max(
            words,
            _font(16, "bold").getlength(_plain(band.heading)) + _font(14).getlength(_plain(band.note)) + 10,
        )
    width = min(WIDEST, max(grid, int(words) + 1))
    height = 62 + sum(_band_height(band) for band in bands)

    image = Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN - GAP), "white")
    draw = ImageDraw.Draw(image)
    _write(draw, (MARGIN, MARGIN - 4), title, _font(22, "bold"), INK, width)
    _write(draw, (MARGIN, MARGIN + 26), note, _font(14), PALE, width)
    top = MARGIN + 62
    for band in bands:
        _draw_band(image, draw, band, top, width)
        top += _band_height(band)
    return image


def _band_height(band: Band) -> int:
    rows = -(-len(band.tiles) // band.columns)
    return _heading_height(band) + rows * _row_height(band)


def _heading_height(band: Band) -> int:
    return 48 if band.heading else 0


def _row_height(band: Band) -> int:
    lines = max((len(tile.lines) for tile in band.tiles), default=0)
    return TILE + GAP + (lines * 17 + 10 if lines else 0)


def _draw_band(image: Image.Image, draw: Any, band: Band, top: int, width: int) -> None:
    if band.heading:
        draw.line([(MARGIN, top + 6), (MARGIN + width, top + 6)], fill=RULE)
        note = int(_font(14).getlength(_plain(band.note))) + 1
        end = _write(draw, (MARGIN, top + 17), band.heading, _font(16, "bold"), INK, width - note - 10)
        _write(draw, (MARGIN + end + 10, top + 19), band.note, _font(14), PALE, note)
    top += _heading_height(band)
    for place, tile in enumerate(band.tiles):
        row, column = divmod(place, band.columns)
        _draw_tile(image, draw, tile, MARGIN + column * band.step, top + row * _row_height(band), band.step - GAP)


def _draw_tile(image: Image.Image, draw: Any, tile: Tile, left: int, top: int, room: int) -> None:
    right, bottom = left + TILE - 1, top + TILE - 1
    if tile.picture is None:
        draw.rectangle([left, top, right, bottom], fill=BLANK, outline=RULE)
        draw.line([left + 48, top + 48, right - 48, bottom - 48], fill=PALE, width=2)
        draw.line([left + 48, bottom - 48, right - 48, top + 48], fill=PALE, width=2)
    else:
        picture = _shown(tile.picture)
        image.paste(Image.fromarray(picture), (left, top))
        if tile.heat is not None:
            image.paste(Image.fromarray(heated(picture, tile.heat)), (left + TILE, top))
    if tile.mark == "unsure":
        draw.rectangle([left, top, right, bottom], outline=MARK_COLOURS[tile.mark], width=FRAME)
    for number, line in enumerate(tile.lines):
        font = _font(13, "bold" if number == 0 else "regular")
        ink = MARK_COLOURS[tile.mark] if number == 0 else PALE
        _write(draw, (left, bottom + 6 + 17 * number), line, font, ink, room)


def _shown(picture: Pixels) -> Pixels:
    way = cv2.INTER_AREA if picture.shape[0] > TILE else cv2.INTER_CUBIC
    return cv2.resize(picture, (TILE, TILE), interpolation=way).astype(np.uint8, copy=False)


def _write(draw: Any, at: tuple[int, int], text: str, font: Any, ink: tuple[int, int, int], room: int) -> int:
    """Write `text`, cut to `room` pixels, and return the pixels that it took."""
    text = _cut(_plain(text), font, room)
    draw.text(at, text, font=font, fill=ink)
    return int(font.getlength(text))


def _cut(text: str, font: Any, room: int) -> str:
    """`text` without so much of its middle that it fits; start and end (a file's number) both tell."""
    if font.getlength(text) <= room:
        return text
    for kept in range(len(text) - 1, 0, -1):
        cut = text[: -(-kept // 2)] + "…" + text[len(text) - kept // 2 :]
        if font.getlength(cut) <= room:
            return cut
    return "…"


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


@cache
def _font(size: int, weight: Literal["regular", "bold"] = "regular") -> Any:
    """DejaVu Sans, which Matplotlib brings: Latin, Greek and Cyrillic letters among others."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if weight == "bold" else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)
