"""A sweep's jobs as they are before the first one starts: composed, checked, and told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.identity import pack_fingerprint, run_fingerprint
from catdog_exp.reading import read
from catdog_exp.sweeps.jobs import Job

# Words that do not change what a sweep's jobs come to.
_IRRELEVANT = ("sweep.", "if_exists=", "hardware.threads=", "tracking.", "paths.", "hydra.", "hydra/")
# What a sweep has for all its jobs together.
COMMON = ("objective", "if_exists", "sweep.", "tracking", "paths.")


def plan(composed: Sequence[tuple[list[str], dict[str, Any]]], check: Callable[[RunConfig], None]) -> list[Job]:
    """The jobs with these overrides and settings, in order. check: raises UserError for what cannot be run.

    Nothing is made before all of them are checked; then their pictures are made available and looked at.
    """
    configs = [read(RunConfig, settings) for _, settings in composed]
    common = set.intersection(*(set(words) for words, _ in composed))
    differing = [keys(word for word in words if word not in common) for words, _ in composed]
    for config, differs in zip(configs, differing, strict=True):
        check(config)
        for key in differs:
            if key.startswith(COMMON):
                raise UserError(f"{key}: all jobs of a sweep share it, give it one value")
    packs: dict[str, str] = {}
    return [
        Job(number, words, differs, settings, fingerprint_of(settings, packs))
        for number, ((words, settings), differs) in enumerate(zip(composed, differing, strict=True))
    ]


def sweep_fingerprint(words: Sequence[str]) -> str:
    """32 hexadecimal digits that stand for a sweep's words, in any order, as far as they change its jobs."""
    kept = sorted(word for word in words if not word.startswith(_IRRELEVANT))
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:32]


def keys(words: Iterable[str]) -> dict[str, Any]:
    """The values of override words, by key; of words for Hydra itself none."""
    parsed = [OverridesParser.create().parse_override(word) for word in words]
    return {override.key_or_group: _shown(override.value()) for override in parsed if not override.is_hydra_override()}


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def fingerprint_of(settings: Mapping[str, Any], packs: dict[str, str]) -> str:
    """A job's fingerprint; "" for one that trains nothing, which ends without a result and is done each time.

    packs: fingerprints of packs that are known, by their settings, and more from now on; looking at many pictures
    takes its time. Raises UserError when the settings, the pictures or the weights to start from are wrong.
    """
    config = read(RunConfig, settings)
    if "train" not in config.stages:
        return ""
    key = json.dumps(settings["data"], sort_keys=True)
    if key not in packs:
        packs[key] = pack_fingerprint(config)
    return run_fingerprint(settings, packs[key])
