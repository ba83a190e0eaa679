"""What several tests share."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_pictures() -> Path:
    """The folder of 3,000 real photographs (train/ and validation/, each with cats/ and dogs/)."""
    default = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("CATDOG_REAL_DATA", default)) / "cats_and_dogs_filtered"
    if not folder.is_dir():
        pytest.skip("the real photographs are not on this machine (CATDOG_REAL_DATA names their folder)")
    return folder
