"""A sweep's jobs before they start."""

import pytest
from hydra import compose, initialize_config_dir

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.resolvers import register
from catdog_exp.errors import UserError
from catdog_exp.sweeps.composed import plain
from catdog_exp.sweeps.planning import plan, sweep_fingerprint


def composed(tmp_path, *jobs):
    """Jobs that train nothing, so that no pictures are needed: overrides and settings."""
    register()
    with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
        common = [f"paths.outputs={tmp_path}", "stages=[pack]"]
        return [([*common, *words], plain(compose("config", [*common, *words]))) for words in jobs]


def test_jobs_differ_by_values_and_not_by_texts(tmp_path):
    jobs = plan(composed(tmp_path, ["train.lr=5e-05"], ["train.lr=0.001"]))
    assert [job.differs for job in jobs] == [{"train.lr": 5e-05}, {"train.lr": 0.001}]
    jobs = plan(composed(tmp_path, ["model=cnn"], ["model=resnet"]))
    assert [job.differs for job in jobs] == [{"model": "cnn"}, {"model": "resnet"}]


@pytest.mark.parametrize("words", [["objective=val/loss"], ["tracking.experiment=other"]])
def test_what_all_jobs_share_is_not_swept(tmp_path, words):
    with pytest.raises(UserError, match="all jobs of a sweep share it"):
        plan(composed(tmp_path, words, []))


def test_the_same_sweep_is_known_by_its_words_in_any_order():
    assert sweep_fingerprint(["a=1,2", "b=3"]) == sweep_fingerprint(["b=3", "a=1,2", "sweep.jobs=4", "if_exists=new"])
    assert sweep_fingerprint(["a=1,2"]) != sweep_fingerprint(["a=1,2,3"])
