"""What the doctor finds."""

from dataclasses import dataclass
from typing import Literal

Word = Literal["ok", "missing", "note"]


@dataclass(frozen=True)
class Fact:
    """One thing found. `missing` is something that is needed and not there; a `note` is worth knowing."""

    word: Word
    name: str
    value: str


def dotted(numbers: tuple[int, ...]) -> str:
    """A version as people write it."""
    return ".".join(map(str, numbers))
