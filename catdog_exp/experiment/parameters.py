"""Which of a run's settings can change its result or its time: what people compare runs by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catdog_exp.settings import flat

# Sections and keys about where and how a run is made, not about what comes out.
_APART = (
    *("paths", "tracking", "predict", "sweep", "plan", "if_exists", "stages", "chosen", "rerun_of"),
    *("data.repack", "data.max_rejects", "data.pack_on", "train.resume", "train.checkpoint_minutes", "train.profile"),
    *("hardware.rank", "hardware.root"),
)


def parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a whole config that count, flat: without those that are unset and those that are paths."""
    return {
        key: value
        for key, value in flat(settings).items()
        if value is not None and not is_path(value) and not _is_apart(key)
    }


def is_path(value: Any) -> bool:
    """Whether a setting's value is an absolute path: it says where, not what."""
    return isinstance(value, str) and value.startswith(("/", "~"))


def _is_apart(key: str) -> bool:
    return any(key == apart or key.startswith(f"{apart}.") for apart in _APART)
