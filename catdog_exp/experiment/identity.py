"""Which runs come to the same result: a fingerprint of all that changes it, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catdog_exp.experiment.config import RunConfig
from catdog_exp.tracking.ids import is_run_id

FORMAT = 2  # another one when the same settings come to mean another result

# Keys that change when, where or how fast something is done, not what comes out.
_IRRELEVANT = {
    "train": ("resume", "checkpoint_minutes", "init_from"),
    "hardware": ("device", "threads", "rank", "root"),
}


def run_fingerprint(settings: Mapping[str, Any], pack: str) -> str:
    """32 hexadecimal digits; runs with the same ones train the same network on the same pictures.

    settings: the whole config. pack: fingerprint of its pack, which stands for all of its section `data`: pictures
    count by what they show, not by where they lie. So do weights to start from.

    Raises UserError when the weights cannot be read.
    """
    chosen = {**relevant(settings), "pack": pack}
    if settings["train"]["init_from"] is not None:
        chosen["init_from"] = _weights(settings["train"]["init_from"])
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:32]


def relevant(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a run's settings that change its result, but for those of its pictures and first weights."""
    chosen: dict[str, Any] = {"format": FORMAT}
    for name in ("augment", "model", "train", "hardware"):
        chosen[name] = {key: value for key, value in settings[name].items() if key not in _IRRELEVANT.get(name, ())}
    for name in ("objective", "stages"):
        chosen[name] = settings[name]
    if "predict" in settings["stages"]:
        chosen["predict"] = settings["predict"]
    return chosen


def pack_fingerprint(config: RunConfig) -> str:
    """Fingerprint of the pack that a run with this config trains on, whether that is made already or not.

    The pictures are made available first (drawn, downloaded) where they are not, and looked at.
    Raises UserError when they cannot be had.
    """
    from catdog_exp.packs.plan import plan_pack

    data = config.data
    return plan_pack(data.source.listing(data.classes), data, Path(config.paths.outputs) / "packs").fingerprint


def _weights(wanted: str) -> str:
    if is_run_id(wanted):
        return wanted
    from catdog_exp.networks.initial_weights import check_weights

    check_weights(Path(wanted))
    return hashlib.sha256(Path(wanted).read_bytes()).hexdigest()
