"""The command, driven as a user drives it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.background import kill_all
from tests.cli.forked import forked

# A whole run in a few seconds.
SMALL = ["data.source.count=60", "data.resize=16", "train.epochs=2", "model.width=4", "model.layers=2"]


@pytest.fixture(scope="session")
def environment():
    """This process's environment without the user's own settings, and with compiled modules kept, for speed."""
    unwanted = ("CATDOG_", "MLFLOW_", "OMP_", "PYTHONDONTWRITEBYTECODE")
    return {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}


@pytest.fixture(scope="session")
def command():
    """The path of the installed command."""
    return Path(sys.executable).with_name("catdog")


@pytest.fixture
def catdog(tmp_path):
    """Runs `catdog WORDS…`, in an empty folder unless told otherwise, as `forked` does; returns how it ended."""

    def run(*words, cwd=tmp_path, **settings):
        return forked(words, cwd, **settings)

    return run


@pytest.fixture
def installed(tmp_path, environment, command):
    """As `catdog`, by the installed command: for what its start, its processes or its variables bring about."""

    def run(*words, cwd=tmp_path, timeout=240, **env):
        return subprocess.run(
            [command, *map(str, words)],
            cwd=cwd,
            env={**environment, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def begin(tmp_path, environment, command):
    """Starts `catdog WORDS…` as `catdog` runs it, and returns its process; kills what is left at the test's end."""
    begun = []

    def start(*words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options):
        words = [command, *map(str, words)]
        options = {"cwd": cwd, "env": environment, "stdout": stdout, "stderr": stderr, "text": True, **options}
        begun.append(subprocess.Popen(words, **options))
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            kill_all(process)


@pytest.fixture
def store_there(tmp_path, empty_store):
    """The runs' store is there already."""
    (tmp_path / "outputs").mkdir()
    shutil.copy(empty_store, tmp_path / "outputs" / "mlflow.db")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, environment, command):
    """A folder in which one small run has finished, and what it printed. To be read, not changed."""
    folder = tmp_path_factory.mktemp("finished")
    done = subprocess.run(
        [command, *SMALL],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout
