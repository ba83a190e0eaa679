"""A sweep's jobs as they are before the first one starts: composed, checked, and told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from catdog_exp.errors import UserError
from catdog_exp.experiment.checks import check, check_settings, check_source
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.plan import resolve
from catdog_exp.packs.plan import PackPlan
from catdog_exp.reading import read
from catdog_exp.sources.source import Listing
from catdog_exp.sweeps.jobs import Job
from catdog_exp.sweeps.passwords import hidden

# Words that do not change what a sweep's jobs come to.
_IRRELEVANT = ("sweep.", "if_exists=", "hardware.threads=", "tracking.", "paths.", "hydra.", "hydra/")
# What a sweep has for all its jobs together.
COMMON = ("objective", "if_exists", "sweep.", "tracking", "paths.", "debug")


def plan(composed: Sequence[tuple[list[str], dict[str, Any]]], first: int = 0) -> list[Job]:
    """The jobs with these overrides and settings, in order. Raises UserError for what cannot be run.

    Nothing is made before all of them are checked; then their pictures are made available and looked at.
    first: number of the first one.
    """
    configs = [read(RunConfig, settings) for _, settings in composed]
    differing = differences([words for words, _ in composed])
    listings: dict[str, Listing | None] = {}  # each source is looked at once
    for config, differs, (_, settings) in zip(configs, differing, composed, strict=True):
        check_settings(config)
        if (key := _source(config, settings)) not in listings:
            listings[key] = check_source(config)
        for key in differs:
            if key.startswith(COMMON):
                raise UserError(f"{key}: all jobs of a sweep share it, give it one value")
    packs: dict[str, PackPlan] = {}
    jobs = []
    for number, ((words, settings), config, differs) in enumerate(
        zip(composed, configs, differing, strict=True), first
    ):
        found = None
        if "train" in config.stages:
            found = resolve(config, settings, packs, listing=listings[_source(config, settings)])
        known = ("", {}, None) if found is None else (found.training, found.identities, found.inputs)
        jobs.append(Job(number, words, differs, hidden(settings), *known))
    return jobs


def differences(words: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Of each job with these words, the values by key that not all jobs have."""
    common = set.intersection(*map(set, words))
    return [keys(word for word in each if word not in common) for each in words]


def _source(config: RunConfig, settings: Mapping[str, Any]) -> str:
    """What tells one source of pictures, and what is checked of it, from another."""
    return json.dumps([settings["data"], config.stages == ["predict"]])


def absent_pictures(composed: Sequence[tuple[list[str], dict[str, Any]]]) -> str | None:
    """What planning the jobs would have to make available first, in words; None where all pictures are there.

    Raises UserError for what is wrong with a job up to the first whose pictures are not there.
    """
    for _, settings in composed:
        config = read(RunConfig, settings)
        absent = config.data.source.absent()
        if absent is not None and set(config.stages) != {"predict"}:
            check(config)
            return absent
    return None


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


def fingerprint_of(settings: Mapping[str, Any], packs: dict[str, PackPlan]) -> str:
    """Identity of a job's training; "" for one that trains nothing: it ends without a result and is done each time.

    packs: as `resolve` takes them. Raises UserError when the settings, the pictures or the weights to start from are
    wrong.
    """
    config = read(RunConfig, settings)
    return resolve(config, settings, packs).training if "train" in config.stages else ""
