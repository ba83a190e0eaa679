"""The package as people install it: a wheel, in an empty environment, far from the clone."""

import os
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The project's wheel, built anew."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(["uv", "build", "--quiet", "--wheel", "-o", folder], cwd=REPOSITORY, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_all_configs_travel_inside_but_for_this_machine_s_own(wheel):
    inside = {name.removeprefix("catdog_exp/") for name in zipfile.ZipFile(wheel).namelist()}
    conf = REPOSITORY / "conf"
    shared = {path for path in conf.rglob("*.yaml") if path.parent.name != "local" or path.name == "example.yaml"}
    assert {f"conf/{path.relative_to(conf)}" for path in shared} == {
        name for name in inside if name.startswith("conf/") and name.endswith(".yaml")
    }


@pytest.mark.slow
def test_nothing_is_installed_into_the_folders_of_other_packages(wheel):
    inside = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in inside if not name.endswith(".dist-info")} == {"catdog_exp"}


@pytest.mark.slow
def test_runs_in_an_empty_environment_and_folder(wheel, tmp_path, environment):
    venv, folder = tmp_path / "venv", tmp_path / "far"
    folder.mkdir()
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, venv], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", venv, wheel], check=True)
    command = [venv / "bin" / "catdog", "data.source.count=60", "train.epochs=1"]
    environment = {**environment, "PATH": os.defpath}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "best val/accuracy" in done.stdout
    assert list(folder.glob("outputs/runs/*/*/preview.png"))
