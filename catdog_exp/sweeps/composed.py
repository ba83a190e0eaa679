"""Configs as Hydra composes them, turned into plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from catdog_exp.errors import UserError
from catdog_exp.paths import expanded

# The groups that people tell runs by, and Hydra's names of them.
GROUPS = {
    **{group: group for group in ("experiment", "model", "data", "augment", "hardware", "machine", "debug")},
    **{group: f"train/{group}" for group in ("optimizer", "schedule")},
}


def plain(config: DictConfig, choices: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A composed config as plain dicts and lists, resolved, with absolute paths.

    In place of Hydra's own section it has the names of the files that were chosen, by group, as `chosen`.
    choices: Hydra's own, where the config has no such section.
    """
    return _resolved(_without_hydra(config, choices))


def _without_hydra(config: DictConfig, choices: Mapping[str, Any] | None = None) -> DictConfig:
    if choices is None:
        choices = OmegaConf.select(config, "hydra.runtime.choices") or {}
    config = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    config.setdefault("chosen", {})
    config.chosen.update({group: choices[key] for group, key in GROUPS.items() if choices.get(key) is not None})
    outputs = OmegaConf.select(config, "paths.outputs")
    if isinstance(outputs, str) and outputs:
        config.paths.outputs = absolute(outputs)
    return config


def _resolved(config: DictConfig) -> dict[str, Any]:
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def absolute(path: object, key: str = "paths.outputs") -> str:
    """`path` from where the command was started, `~` and `$VARIABLES` expanded. UserError: wrong ones, of `key`."""
    if not isinstance(path, str):
        raise UserError(f"{key}={path}: name a folder")
    try:
        return str(Path(expanded(path)).absolute())
    except ValueError as error:
        raise UserError(f"{key}={path}: {error}") from None


def composed(config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """The configs of jobs with these words, in the sweep with this config, as `plain` has them.

    Hydra reads all files anew for each config: here jobs that differ in single values alone share what it composes.
    """
    parser = OverridesParser.create(config_loader=loader)
    common = set(jobs[0]).intersection(*jobs) if jobs else set()
    bases: dict[tuple[str, ...], DictConfig] = {}
    is_group: dict[str, bool] = {}
    for words in jobs:
        values: list[Override] = []
        others: list[str] = []
        for override in parser.parse_overrides([word for word in words if word not in common]):
            key = override.key_or_group
            if key not in is_group:
                is_group[key] = override.package is not None or bool(loader.get_group_options(key))
            changes = not (override.is_add() or override.is_delete() or override.is_hydra_override())
            if changes and not is_group[key] and not isinstance(override.value(), dict):
                values.append(override)
            else:
                others.append(str(override.input_line))
        alike = *others, *(override.key_or_group for override in values)
        if alike not in bases:  # whatever is wrong with a key, Hydra says
            bases[alike] = _without_hydra(loader.load_sweep_config(config, list(words)))
        for override in values:  # that all which share the base have
            OmegaConf.update(bases[alike], override.key_or_group, override.value())
        yield _resolved(bases[alike])


def changed(config: DictConfig, words: Sequence[str]) -> DictConfig:
    """A copy with `KEY=VALUE` words set. Raises UserError for a key that the config does not have."""
    config = config.copy()
    OmegaConf.set_struct(config, True)
    for override in OverridesParser.create().parse_overrides(list(words)):
        try:
            OmegaConf.update(config, override.key_or_group, override.value(), force_add=False)
        except OmegaConfBaseException:
            raise UserError(f"{override.input_line}: there is no key {override.key_or_group}") from None
    return config
