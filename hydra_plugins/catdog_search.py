"""The sweeper of `sweep=optuna`, where Hydra looks for sweepers at each start; the work is in catdog_exp.sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class Search(Sweeper):
    """Launches as many jobs as there are trials to do; each of them asks the study what to try when it starts."""

    config: DictConfig
    loader: ConfigLoader
    launcher: Launcher

    def __init__(self, **settings: Any) -> None:
        self.settings = cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.create(settings), resolve=True))

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """As Hydra does with each sweeper before `sweep`."""
        self.config, self.loader = config, hydra_context.config_loader
        self.launcher = Plugins.instance().instantiate_launcher(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> None:
        """Search, with the command's words. Raises UserError, and what a job has raised."""
        from catdog_exp.sweeps.search import search

        def launch(words: Sequence[str], count: int, first: int) -> None:
            for job in self.launcher.launch([list(words)] * count, initial_job_idx=first):
                job.return_value  # noqa: B018 - raises what the job has raised

        search(self.config, self.loader, self.settings, arguments, launch)
