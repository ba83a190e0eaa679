"""What several tests share."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch) -> Callable[[], Terminal]:
    """Makes standard error a terminal, from the call on, and gives what it shows."""

    def show() -> Terminal:
        shown = Terminal()
        monkeypatch.setattr(sys, "stderr", shown)
        monkeypatch.delenv("TQDM_DISABLE", raising=False)
        return shown

    return show


REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_pictures() -> Path:
    """The folder of 3,000 real photographs (train/ and validation/, each with cats/ and dogs/)."""
    default = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("CATDOG_REAL_DATA", default)) / "cats_and_dogs_filtered"
    if not folder.is_dir():
        pytest.skip("the real photographs are not on this machine (CATDOG_REAL_DATA names their folder)")
    return folder
