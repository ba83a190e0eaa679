"""What is said of a config that cannot be composed; most of it is tested through the command (tests/cli/)."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException

import catdog_exp.app.main  # noqa: F401 - registers the resolvers
from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.config_errors import config_line


@pytest.mark.parametrize(
    ("launcher", "plugin", "extra"),
    [
        ("slurm", "submitit_slurm", "submitit"),
        ("local_processes", "submitit_local", "submitit"),
        ("submitit_slurm", "submitit_slurm", "submitit"),
        ("ray_cluster", "ray", "ray"),
    ],
)
def test_a_launcher_that_is_not_installed_says_how_to_get_it(monkeypatch, launcher, plugin, extra):
    with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
        plugins = ConfigStore.instance().repo["hydra"]["launcher"]
        monkeypatch.delitem(plugins, f"{plugin}.yaml", raising=False)
        with pytest.raises(HydraException) as caught:
            compose("config", [f"hydra/launcher={launcher}"], return_hydra_config=True)
    line = config_line(caught.value, list)
    assert line == f"this launcher needs more packages: `pip install catdog-exp[{extra}]`"
