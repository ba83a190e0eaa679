"""The jobs of a sweep, composed before the first of them starts."""

from __future__ import annotations

from collections.abc import Iterator

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf


def is_grid(config: DictConfig) -> bool:
    """Whether Hydra's own sweeper makes a grid of all combinations. Any other chooses its jobs as it goes."""
    return str(config.hydra.sweeper._target_).endswith(".BasicSweeper")


def grid_jobs(config: DictConfig) -> Iterator[tuple[list[str], DictConfig]]:
    """The overrides and the composed config of every job of a grid; else those that all jobs have in common."""
    words = list(OmegaConf.to_container(config.hydra.overrides.task))  # type: ignore[arg-type]
    if not is_grid(config):
        yield words, config
        return
    loader = GlobalHydra.instance().config_loader()
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(params + words)
    for batch in BasicSweeper.split_arguments(overrides, max_batch_size=None):
        for job_overrides in batch:
            yield list(job_overrides), loader.load_sweep_config(config, list(job_overrides))
