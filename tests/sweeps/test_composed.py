"""The configs of a sweep's jobs, of which those that differ in single values alone are composed once."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.resolvers import register
from catdog_exp.sweeps.composed import composed, plain

JOBS = [
    ["train.seed=0", "model=cnn", "data.resize=24"],
    ["train.seed=1", "model=resnet", "data.resize=32"],
    ["train.seed=2", "model=cnn", "data.resize=null"],
    ["train.seed=3", "model=cnn", "+model.more=[1,2]", "tracking.experiment='a b'"],
    ["train.seed=4", "model=cnn", "~augment.random_crop"],
    ["train.seed=5", "model=cnn", "hardware.threads=${train.seed}", "tracking.uri=sqlite:///x.db"],
]


@pytest.fixture
def loader(tmp_path):
    register()
    with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
        config = compose("config", [f"paths.outputs={tmp_path}"], return_hydra_config=True)
        config.hydra.job.config_name = "config"
        yield config, GlobalHydra.instance().config_loader()


def test_each_job_has_what_hydra_composes_for_it(loader):
    config, loader = loader
    wanted = [plain(loader.load_sweep_config(config, words)) for words in JOBS]
    assert list(composed(config, loader, JOBS)) == wanted


def test_seeds_are_composed_once(loader, monkeypatch):
    config, loader = loader
    calls = []
    load = loader.load_sweep_config
    monkeypatch.setattr(loader, "load_sweep_config", lambda *words: calls.append(words) or load(*words))
    jobs = [["model=resnet", f"train.seed={seed}"] for seed in range(20)]
    assert [each["train"]["seed"] for each in composed(config, loader, jobs)] == list(range(20))
    assert len(calls) == 1
