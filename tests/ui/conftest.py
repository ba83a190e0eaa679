"""Two sweeps' outputs, to look at in a browser."""

import sys
from pathlib import Path

import pytest
from filelock import FileLock

from scripts.screenshots import make_sweeps

CATDOG = Path(sys.executable).with_name("catdog")


@pytest.fixture(scope="session")
def store(tmp_path_factory, worker_id):
    """The outputs of two sweeps, made by one of the processes that run tests, for all of them."""
    base = tmp_path_factory.getbasetemp()
    place = (base if worker_id == "master" else base.parent) / "ui"
    with FileLock(f"{place}.lock"):
        if not place.exists():
            place.mkdir()
            make_sweeps(place, CATDOG)
    return place
