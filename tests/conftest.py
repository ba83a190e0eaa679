"""What several tests share."""

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from catdog_exp import console
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.store import open_store
from tests.clusters import one_slurm_node, ray_nodes

MEMORY = Path("/dev/shm")  # a file system in memory
ENOUGH = 6 << 30  # bytes


def pytest_configure(config: pytest.Config) -> None:
    """Put the tests' folders into memory, where there is room: each run syncs its files to the disk many times."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return
    now = os.statvfs(MEMORY)
    if now.f_bavail * now.f_frsize > ENOUGH and not now.f_flag & os.ST_NOEXEC:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take minutes: at the end, all processes but one would have nothing to do meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Takes back what a command within the test process sets up of logging: others listen to it."""
    logging.getLogger("catdog_exp")
    known = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [(each, each.level, each.disabled) for each in (logging.root, *known)]
    yield
    for handler in list(logging.root.handlers):
        if type(handler).__module__.startswith("catdog_exp."):
            logging.root.removeHandler(handler)
    for each, level, disabled in before:
        each.setLevel(level)
        each.disabled = disabled


@pytest.fixture
def terminal(monkeypatch) -> Callable[[], Terminal]:
    """Makes standard error a terminal, from the call on, and gives what it shows."""

    def show() -> Terminal:
        shown = Terminal()
        monkeypatch.setattr(sys, "stderr", shown)
        monkeypatch.setenv("TERM", "xterm")
        console._console.cache_clear()
        return shown

    return show


@pytest.fixture
def ray_cluster(monkeypatch) -> Iterator[Any]:
    """Two nodes of one core each on loopback; RAY_ADDRESS names it."""
    with ray_nodes(monkeypatch, 2) as cluster:
        yield cluster


@pytest.fixture
def slurm(tmp_path_factory, monkeypatch) -> Iterator[Path]:
    """A Slurm of one node, of this machine; SLURM_CONF names its configuration. Gives the folder of its logs."""
    with one_slurm_node(tmp_path_factory.mktemp("slurm"), monkeypatch) as folder:
        yield folder


REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_pictures() -> Path:
    """The folder of 3,000 real photographs (train/ and validation/, each with cats/ and dogs/)."""
    default = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("CATDOG_REAL_DATA", default)) / "cats_and_dogs_filtered"
    if not folder.is_dir():
        pytest.skip("the real photographs are not on this machine (CATDOG_REAL_DATA names their folder)")
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store without experiments or runs: making one takes seconds, copying it does not."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    config = TrackingConfig(True, f"sqlite:///{path}", "first", None, None)
    store = open_store(config)
    store.client.delete_experiment(store.experiment_id)
    return path
