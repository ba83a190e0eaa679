"""Settings as one flat mapping, as trackers and messages want them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one mapping with dotted keys."""
    flattened: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flattened.update(flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value})
    return flattened
