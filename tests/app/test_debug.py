"""Short runs to find mistakes by: what `debug=` sets, over any recipe, network and file of the machine."""

import pytest

from catdog_exp.app.compose import run_config
from catdog_exp.app.conf_folders import groups
from catdog_exp.data.config import AugmentConfig


@pytest.mark.parametrize("debug", groups()["debug"])
def test_it_goes_over_recipes_and_the_machine_s_file_and_below_the_command(debug, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "machine").mkdir(parents=True)
    lab = "# @package _global_\ntracking: {experiment: mine}\nhardware: {batch_size: 4096}\n"
    (tmp_path / "conf" / "machine" / "lab.yaml").write_text(lab)
    for recipe in ("accurate", "transfer"):
        config = run_config([f"debug={debug}", f"experiment={recipe}", "machine=lab"])
        assert config.tracking.experiment == "debug"
        assert config.if_exists == "new"
        assert config.sweep.jobs == 1
        assert config.data.limit is not None
        assert config.chosen["debug"] == debug
        if debug == "overfit":
            assert (config.objective, config.train.target, config.hardware.batch_size) == ("train/accuracy", 1, 10)
            size, views = config.augment.size, config.augment.views
            assert config.augment == AugmentConfig(size=size, views=views)
    assert run_config([f"debug={debug}", "train.epochs=7", "data.limit=3"]).train.epochs == 7
