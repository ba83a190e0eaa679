"""The launcher and the sweepers as Hydra makes them; the work is in modules that are imported once there is a sweep."""

from __future__ import annotations

import gc
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from catdog_exp.errors import UserError
from catdog_exp.sweeps.passwords import hand_on, hide

if TYPE_CHECKING:
    from catdog_exp.sweeps.jobs import Jobs
    from catdog_exp.tracking.sender_process import SenderProcess


class JobLauncher(Launcher):
    """Runs jobs as conf/hydra/launcher/ says: `where`, and what that has besides.

    process: for the tracking of the sweep, where it is started already; Hydra hands nothing on to who makes this.
    """

    process: ClassVar[SenderProcess | None] = None

    def __init__(self, where: str, **settings: Any) -> None:
        self._jobs: Jobs | None = None  # that have been launched
        self.where = where
        self.settings = {
            key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
            for key, value in settings.items()
        }

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: ARG002
        """As Hydra does, before anything of the sweep is made."""
        self.config, self.loader = config, hydra_context.config_loader
        hand_on(str(OmegaConf.select(config, "tracking.uri")))
        hide(config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """As `launch.launch`. What it returns has each job's objective, NaN where it has none, for sweepers."""
        from catdog_exp.sweeps.jobs import Jobs
        from catdog_exp.sweeps.launch import launch

        gc.enable()  # which is off while Hydra composes
        words = [list(each) for each in job_overrides]
        before, process = self._jobs or Jobs(), None if self._jobs else self.process
        self._jobs = launch(self.config, self.loader, self.where, self.settings, words, before, process)
        outcomes = [self._jobs.outcomes.get(number) for number in range(initial_job_idx, len(self._jobs.jobs))]
        objectives = [math.nan if each is None or each.objective is None else each.objective for each in outcomes]
        return [JobReturn(status=JobStatus.COMPLETED, _return_value=value) for value in objectives]


class _Launching(Sweeper):
    config: DictConfig
    launcher: Launcher

    def __init__(self, **_: Any) -> None:
        pass  # the settings are read where they are used, out of the config

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """As Hydra does with each sweeper before `sweep`."""
        self.config, self.loader = config, hydra_context.config_loader
        self.launcher = Plugins.instance().instantiate_launcher(hydra_context, task_function, config)


class Grid(_Launching):
    """All combinations of what the words and `hydra.sweeper.params` name, in place of Hydra's BasicSweeper."""

    def sweep(self, arguments: list[str]) -> None:
        """Run all jobs. Raises UserError for a range whose values cannot be counted; what `launch` raises."""
        params = [f"{key}={value}" for key, value in (self.config.hydra.sweeper.params or {}).items()]
        axes: dict[str, list[str]] = {}  # of two words for a key the last one counts
        for override in OverridesParser.create(config_loader=self.loader).parse_overrides(params + arguments):
            key = override.get_key_element()
            if not override.is_sweep_override():
                axes[key] = [f"{key}={override.get_value_element_as_str()}"]
            elif override.is_discrete_sweep():
                axes[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
                if not axes[key]:
                    there = self.loader.get_group_options(key)
                    options = f"; {key} can be {', '.join(there)}" if there else ""
                    raise UserError(f"{override.input_line}: nothing is swept by this, it has no value{options}")
            else:
                line = f"{override.input_line}: a grid has no end of these; name values, or search: sweep=optuna"
                raise UserError(line)
        self.launcher.launch(list(itertools.product(*axes.values())), 0)


class Answer(Grid):
    """Launches a grid's settings, each with as many seeds as it takes to tell which is the best."""


class Search(_Launching):
    """Launches what all trials have in common; what each tries is chosen when it starts."""

    def sweep(self, arguments: list[str]) -> None:
        """Search. Raises what `launch` raises."""
        self.launcher.launch([arguments], 0)


def register() -> None:
    """Make these known to Hydra as `hydra_plugins.catdog.NAME`; it makes nothing whose name begins otherwise."""
    plugins = Plugins.instance()
    for group in ("launcher", "sweeper"):  # conf/hydra/ has its own of this name
        ConfigStore.instance().repo["hydra"][group].pop("basic.yaml", None)
    for plugin in (JobLauncher, Grid, Answer, Search):
        plugins.register(plugin)
        plugins.class_name_to_class[f"hydra_plugins.catdog.{plugin.__name__}"] = plugin
