"""Tables in Markdown, as MLflow's pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_GAP = "\u2003\u200b"  # MLflow's page puts columns close to each other, and takes plain spaces away


def table_head(cells: Sequence[str]) -> list[str]:
    """The first two lines of a table in Markdown."""
    return [table_row(cells), "|" + " --- |" * len(cells)]


def table_row(cells: Iterable[str]) -> str:
    """A line of a table in Markdown."""
    plain = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(f"{cell}{_GAP}" for cell in plain) + " |"
