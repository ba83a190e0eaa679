"""Text in columns, no wider than there is room."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from catdog_exp.sweeps.words import cut

GAP = 2
WIDEST = 32  # letters of a column of values, at first
NARROWEST = 10  # no number is cut, and a column of less would tell little


def aligned(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    elastic: Sequence[int],
    right: Collection[int],
    width: int,
) -> tuple[list[str], list[str]]:
    """The lines of a table, its head first, and the heads of the columns that there was no room for.

    elastic: places of the columns whose texts are cut where `width` letters are too few, and the last of which
        go where even that does not help. right: places of the columns that stand on the right of their room.
    """
    names = _short([head[place] for place in elastic]) if _needs(head, rows, elastic) > width else None
    heads = list(head)
    for place, name in zip(elastic, names or (), strict=False):
        heads[place] = name
    widths = [max(len(line[place]) for line in (heads, *rows)) for place in range(len(head))]
    for place in elastic:
        widths[place] = min(widths[place], WIDEST)
    kept = list(range(len(head)))

    def needed() -> int:
        return sum(widths[place] for place in kept) + GAP * (len(kept) - 1)

    left = list(elastic)
    while needed() > width and left:
        widest = max(left, key=lambda place: widths[place])
        if widths[widest] > NARROWEST:
            widths[widest] -= 1
        else:
            kept.remove(left.pop())
    lines = []
    for line in (heads, *rows):
        cells = [cut(line[place], widths[place]) for place in kept]
        padded = [
            cell.rjust(widths[place]) if place in right else cell.ljust(widths[place])
            for place, cell in zip(kept, cells, strict=True)
        ]
        lines.append((" " * GAP).join(padded).rstrip())
    return lines, [head[place] for place in elastic if place not in kept]


def _needs(head: Sequence[str], rows: Sequence[Sequence[str]], elastic: Collection[int]) -> int:
    widths = [max(len(line[place]) for line in (head, *rows)) for place in range(len(head))]
    return sum(min(each, WIDEST) if place in elastic else each for place, each in enumerate(widths)) + GAP * len(head)


def _short(keys: Sequence[str]) -> list[str]:
    """Dotted keys by their last part, where that tells them apart."""
    last = [key.rpartition(".")[2] for key in keys]
    return [short if last.count(short) == 1 else key for key, short in zip(keys, last, strict=True)]
