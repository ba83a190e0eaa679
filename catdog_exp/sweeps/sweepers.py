"""The sweepers as Hydra makes them; the work is in other modules, which are imported once there is a sweep."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

# Hydra makes no sweeper whose name begins otherwise.
PREFIX = "hydra_plugins.catdog."


class _Frozen:
    """Tells launchers each job's config: the sweep's own. What the job is, is frozen in the sweep's folder."""

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        config = copy.deepcopy(master_config)
        OmegaConf.copy_cache(master_config, config)  # when it began, above all
        config.hydra.overrides.task = list(sweep_overrides)
        return config


class _Launching(Sweeper):
    """A sweeper with a launcher of jobs that are composed by nobody any more, whatever is done to their files."""

    config: DictConfig
    loader: ConfigLoader
    launcher: Launcher

    def __init__(self, **settings: Any) -> None:
        self.settings = cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.create(settings), resolve=True))

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """As Hydra does with each sweeper before `sweep`."""
        self.config, self.loader = config, hydra_context.config_loader
        context = HydraContext(cast("ConfigLoader", _Frozen()), hydra_context.callbacks)
        self.launcher = Plugins.instance().instantiate_launcher(context, task_function, config)

    def launch(self, jobs: Sequence[Sequence[str]], first: int) -> None:
        """Run jobs with these words, the first of them of this number. Raises what a job has raised."""
        for job in self.launcher.launch(jobs, initial_job_idx=first):
            job.return_value  # noqa: B018 - raises what the job has raised


class Grid(_Launching):
    """Launches the jobs that are frozen in the sweep's folder, in place of Hydra's own BasicSweeper."""

    def sweep(self, arguments: list[str]) -> None:  # noqa: ARG002 - the jobs have been made of them
        """Run all jobs. Raises what a job has raised."""
        from catdog_exp.sweeps.jobs import KnownJobs

        folder = Path(self.config.hydra.sweep.dir)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        self.launch([job.overrides for job in KnownJobs(folder)()], 0)


class Search(_Launching):
    """Launches as many jobs as there are trials to do; each of them asks the study what to try when it starts."""

    def sweep(self, arguments: list[str]) -> None:
        """Search, with the command's words. Raises UserError, and what a job has raised."""
        from catdog_exp.sweeps.search import search

        def launch(words: Sequence[str], count: int, first: int) -> None:
            self.launch([list(words)] * count, first)

        search(self.config, self.loader, self.settings, arguments, launch)


def register() -> None:
    """Make the sweepers known to Hydra, as `hydra_plugins.catdog.Grid` and `.Search`."""
    plugins = Plugins.instance()
    for sweeper in (Grid, Search):
        plugins.register(sweeper)
        plugins.class_name_to_class[f"{PREFIX}{sweeper.__name__}"] = sweeper
