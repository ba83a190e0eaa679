"""A sweep's jobs as they are before the first one starts: composed, checked, and told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from catdog_exp.errors import UserError
from catdog_exp.fingerprint import pack_fingerprint, run_fingerprint
from catdog_exp.schema import RunConfig, read
from catdog_exp.sweeps.jobs import Job, TrialOf

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
    differing = [_keys(word for word in words if word not in common) for words, _ in composed]
    for config, differs in zip(configs, differing, strict=True):
        check(config)
        for key in differs:
            if key.startswith(COMMON):
                raise UserError(f"{key}: all jobs of a sweep share it, give it one value")
    packs: dict[str, str] = {}
    return [
        Job(number, words, differs, settings, _fingerprint(config, settings, packs))
        for number, ((words, settings), differs, config) in enumerate(zip(composed, differing, configs, strict=True))
    ]


def late_job(
    number: int,
    words: list[str],
    differing: list[str],
    settings: dict[str, Any],
    trial: TrialOf | None = None,
    packs: dict[str, str] | None = None,
) -> Job:
    """A job that is only now known, as with a sweeper that chooses its jobs as it goes.

    differing: those words in which it differs from others. packs: fingerprints of packs, kept from job to job.
    """
    fingerprint = _fingerprint(read(RunConfig, settings), settings, {} if packs is None else packs)
    return Job(number, words, _keys(differing), settings, fingerprint, trial)


def sweep_fingerprint(words: Sequence[str]) -> str:
    """32 hexadecimal digits that stand for a sweep's words, in any order, as far as they change its jobs."""
    kept = sorted(word for word in words if not word.startswith(_IRRELEVANT))
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:32]


def _keys(words: Iterable[str]) -> dict[str, Any]:
    parsed = [OverridesParser.create().parse_override(word) for word in words]
    return {override.key_or_group: _shown(override.value()) for override in parsed if not override.is_hydra_override()}


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _fingerprint(config: RunConfig, settings: Mapping[str, Any], packs: dict[str, str]) -> str:
    """packs: fingerprints of packs that are known, by their settings; looking at many pictures takes its time."""
    if "train" not in config.stages:
        return ""  # a run that ends without a result, to be done each time
    key = json.dumps(settings["data"], sort_keys=True)
    if key not in packs:
        packs[key] = pack_fingerprint(config)
    return run_fingerprint(settings, packs[key])
