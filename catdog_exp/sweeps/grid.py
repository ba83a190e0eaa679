"""The jobs of a sweep, composed before the first of them starts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from catdog_exp.errors import UserError


def is_grid(config: DictConfig) -> bool:
    """Whether the sweep is a grid of all combinations, as by Hydra's default. Any other chooses its jobs as it goes."""
    return str(config.hydra.sweeper._target_).endswith(".BasicSweeper")


def grid_jobs(config: DictConfig) -> Iterator[tuple[list[str], DictConfig]]:
    """The overrides and the composed config of every job of a grid; else those that all jobs have in common.

    Raises UserError for a range whose values cannot be counted.
    """
    words = list(OmegaConf.to_container(config.hydra.overrides.task))  # type: ignore[arg-type]
    if not is_grid(config):
        yield words, config
        return
    loader = GlobalHydra.instance().config_loader()
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    axes: dict[str, list[str]] = {}  # of two words for a key the last one counts
    for override in OverridesParser.create(config_loader=loader).parse_overrides(params + words):
        key = override.get_key_element()
        if not override.is_sweep_override():
            axes[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            axes[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            if not axes[key]:
                there = loader.get_group_options(key)
                options = f"; {key} can be {', '.join(there)}" if there else ""
                raise UserError(f"{override.input_line}: nothing is swept by this, it has no value{options}")
        else:
            raise UserError(f"{override.input_line}: a grid has no end of these; name values, or search: sweep=optuna")
    for job in itertools.product(*axes.values()):
        yield list(job), loader.load_sweep_config(config, list(job))
