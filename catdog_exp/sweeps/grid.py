"""The jobs of a sweep, composed before the first of them starts."""

from __future__ import annotations

from collections.abc import Iterator

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf


def grid_jobs(config: DictConfig) -> Iterator[DictConfig]:
    """The composed config of every job, where Hydra's own sweeper makes a grid of all combinations.

    Any other sweeper chooses its jobs as it goes: then only `config`, what the jobs have in common, is given.
    """
    sweeper = config.hydra.sweeper
    if not str(sweeper._target_).endswith(".BasicSweeper"):
        yield config
        return
    loader = GlobalHydra.instance().config_loader()
    params = [f"{key}={value}" for key, value in (sweeper.params or {}).items()]
    words = params + list(OmegaConf.to_container(config.hydra.overrides.task))  # type: ignore[arg-type]
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(words)
    for batch in BasicSweeper.split_arguments(overrides, max_batch_size=None):
        for job_overrides in batch:
            yield loader.load_sweep_config(config, list(job_overrides))
