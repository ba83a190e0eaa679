"""Searches for several files of tests."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import open_dict

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.resolvers import register
from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps.composed import plain
from catdog_exp.sweeps.search import trials
from tests.sweeps.searching import SPACE

SETTINGS = {"seed": 0, "startup_trials": 2, "warmup_epochs": 2, "n_minutes": None, "sampler": "tpe"}
SETTINGS |= {"pruner": "median", "objectives": ["objective"]}


@pytest.fixture
def search(tmp_path):
    """Makes a search of `n_trials`, as a command of its own does; all have one study where they are alike."""

    def made(n_trials=6, words=(), space=SPACE, **more):
        words = [f"paths.outputs={tmp_path}", "stages=[pack]", *words]
        register()
        with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
            fixed = [word for word in words if "(" not in word]
            folder = tmp_path / f"sweep{len(begun)}"
            begun.append(folder)
            config = compose("config", [*fixed, f"hydra.sweep.dir={folder}"], return_hydra_config=True)
            config.hydra.job.config_name = "config"
            with open_dict(config):
                config.hydra.sweeper = {**SETTINGS, "n_trials": n_trials, "params": space, **more}
            found = trials(config, GlobalHydra.instance().config_loader(), words)
            found.reuse(read(RunConfig, plain(config)), {})
            return found

    begun = []
    return made


@pytest.fixture
def run(search):
    """Runs a search whose jobs end as `job` says, None: not at all. Returns the numbers of those that it began."""

    def run(job, *words, **more):
        found = search(*words, **more)
        began = []
        while (each := found.next()) is not None:
            began.append(each.number)
            if (outcome := job(each)) is not None:
                found.end(each, outcome)
        return began

    return run
