"""The jobs of a sweep as plain Hydra runs them: its basic launcher, one after the other, all in this process.

python benchmarks/peers/basic_sweep.py -m KEY=VALUE…
"""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.resolvers import register
from catdog_exp.experiment import run as experiment
from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps.composed import plain


def job(config: DictConfig) -> float | None:
    """The job function: a run, and what it has reached."""
    values = plain(config)
    folder = Path(HydraConfig.get().runtime.output_dir)
    return experiment.run(read(RunConfig, values), folder, values, list(HydraConfig.get().overrides.task)).objective


if __name__ == "__main__":
    register()
    plugins = "hydra._internal.core_plugins"  # in place of those of conf/hydra/
    sys.argv += [f"hydra.launcher._target_={plugins}.basic_launcher.BasicLauncher", "~hydra.launcher.where"]
    sys.argv += [f"hydra.sweeper._target_={plugins}.basic_sweeper.BasicSweeper", "+hydra.sweeper.max_batch_size=null"]
    sys.argv += ["~hydra.callbacks.check"]
    hydra.main(version_base="1.3", config_path=str(conf_folders()[-1]), config_name="config")(job)()
