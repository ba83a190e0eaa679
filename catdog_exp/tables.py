"""Text in columns: as wide as the terminal where it goes to one, each row a whole line elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Sequence

from rich.cells import cell_len, set_cell_size

GAP = "  "
NARROWEST = 10  # columns of the terminal; text of less would tell little


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = (), elastic: Sequence[int] = ()
) -> list[str]:
    """The lines of a table, its head first, with `?` for each character that would steer a terminal.

    right: places of the columns that stand on the right of their room, as numbers do.
    elastic: places of those whose texts are cut in their middle where the terminal is too narrow, and the last of
        which go, named in a line below, where even that does not help. All others are always whole.
    """
    cells = [[harmless(cell) for cell in row] for row in (head, *rows)]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if width is not None and sum(_widths(cells)) + len(GAP) * (len(head) - 1) > width:
        for place, name in zip(elastic, short_keys([head[place] for place in elastic]), strict=True):
            cells[0][place] = name
    widths = dict(enumerate(_widths(cells)))
    shrinking = list(elastic)
    while width is not None and shrinking and sum(widths.values()) + len(GAP) * (len(widths) - 1) > width:
        widest = max(shrinking, key=lambda place: widths[place])
        if widths[widest] > NARROWEST:
            widths[widest] -= 1
        else:
            del widths[shrinking.pop()]
    lines = [GAP.join(_filled(row[place], room, place in right) for place, room in widths.items()) for row in cells]
    dropped = ", ".join(head[place] for place in elastic if place not in widths)
    note = [f"left out for want of width: {dropped}; a wider terminal shows all, and a pipe"] * bool(dropped)
    return [*(line.rstrip() for line in lines), *note]


def cut(text: str, room: int) -> str:
    """`text` without so much of its middle that it takes `room` columns of a terminal; start and end both tell."""
    if cell_len(text) <= room:
        return text
    start, end = room // 2, (room - 1) // 2
    first = next(text[:place] for place in range(start, -1, -1) if cell_len(text[:place]) <= start)
    last = next(text[place:] for place in range(len(text) - end, len(text) + 1) if cell_len(text[place:]) <= end)
    return f"{first}…{last}"


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def _filled(text: str, room: int, right: bool) -> str:
    text = cut(text, room)
    return " " * (room - cell_len(text)) + text if right else set_cell_size(text, room)


def harmless(text: str) -> str:
    """The text with `?` for each character that would steer a terminal."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def short_keys(keys: Sequence[str]) -> list[str]:
    """Dotted keys by their last part, where that tells them apart."""
    last = [key.rpartition(".")[2] for key in keys]
    return [short if last.count(short) == 1 else key for key, short in zip(keys, last, strict=True)]
