"""Runs' ids as users write them."""

from __future__ import annotations

import re

_RUN_ID = re.compile(r"[0-9a-f]{6,32}")


def is_run_id(word: str) -> bool:
    """Whether `word` can be an MLflow run's id or its first digits: 6 to 32 of the digits 0-9 and a-f."""
    return _RUN_ID.fullmatch(word) is not None
