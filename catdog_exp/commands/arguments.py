"""Words of a command line that change the config, among words that name files."""

import re
from collections.abc import Iterable
from pathlib import Path

_OVERRIDE = re.compile(r"[+~]*[A-Za-z_][\w./@]*=")


def split_overrides(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """The words that are KEY=VALUE, and the others. What exists as a file is never taken for a setting."""
    overrides: list[str] = []
    others: list[str] = []
    for word in words:
        is_override = _OVERRIDE.match(word) and not Path(word).exists()
        (overrides if is_override else others).append(word)
    return overrides, others
