"""What a stage's result follows from, and from nothing else: equal identities stand for equal results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from catdog_exp.packs.plan import PackPlan
from catdog_exp.tracking.provenance import CUDA_BUILDS, installed_version
from catdog_exp.training.config import HardwareConfig

FORMAT = 3  # another one when the same settings come to mean another result

# Keys that change when, where or how fast something is done, not what comes out; and those that count in another way.
_IRRELEVANT = {
    "train": ("resume", "checkpoint_minutes", "init_from", "profile"),
    "hardware": ("device", "threads", "gpus", "rank", "root", "workers"),
}

# Keys that came later, and the values at which a training is the one that it was without them.
_ADDED = {"train": {"target": None}}

Kind = Literal["cpu", "gpu"]


def training_identity(settings: Mapping[str, Any], pack: PackPlan, kind: Kind, weights: str | None) -> str:
    """32 hexadecimal digits; trainings with the same ones end with the same network.

    They stand for the pictures of both sides by what they show and how they are packed, the augmentation, network,
    training, seed, batch size, kind of device and number of workers; not for the other stages that a run has.

    settings: the whole config. weights: digest of those to start from, None for drawn ones.
    """
    hardware = settings["hardware"]
    return digest(
        {
            **relevant(settings),
            "pictures": pack.trained_on,
            # A processor normalizes a batch by slices, a GPU by its share of it.
            "device": [kind, hardware["gpus"] if kind == "gpu" else 1, hardware["workers"] or 1],
            "weights": weights,
        }
    )


def relevant(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a config's settings that change a training's result, but for pictures, device and first weights."""
    chosen: dict[str, Any] = {"format": FORMAT, "objective": settings["objective"]}
    for name in ("augment", "model", "train", "hardware"):
        left_out, added = _IRRELEVANT.get(name, ()), _ADDED.get(name, {})
        chosen[name] = {
            key: value
            for key, value in settings[name].items()
            if key not in left_out and (key not in added or value != added[key])
        }
    return chosen


def digest(content: Any) -> str:
    """32 hexadecimal digits for anything that JSON can say; 1 and 1.0 are the same."""
    return hashlib.sha256(json.dumps(_same_numbers(content), sort_keys=True).encode()).hexdigest()[:32]


def _same_numbers(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _same_numbers(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_same_numbers(value) for value in content]
    return int(content) if isinstance(content, float) and content.is_integer() else content


def kind_of_device(hardware: HardwareConfig) -> Kind:
    """What `hardware.device` comes to on this machine. MXNet is only asked where a build of it could use a GPU."""
    if hardware.device != "auto":
        return hardware.device
    if installed_version(CUDA_BUILDS) is None:
        return "cpu"
    from catdog_exp.mx import context

    return "gpu" if context("auto").device_type == "gpu" else "cpu"
