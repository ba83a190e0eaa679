"""A store of its own for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from catdog_exp.tracking.config import TrackingConfig


@pytest.fixture
def tracking(tmp_path: Path) -> Callable[..., TrackingConfig]:
    """Makes the settings of a store under tmp_path; keyword arguments replace single settings."""

    def make(**changes: object) -> TrackingConfig:
        settings: dict[str, object] = {
            "enabled": True,
            "uri": f"sqlite:///{tmp_path}/store/mlflow.db",
            "experiment": "cats",
            "artifacts": None,
            "parent_run": None,
        }
        return TrackingConfig(**{**settings, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def ready(tracking: Callable[..., TrackingConfig], empty_store: Path, tmp_path: Path) -> Callable[..., TrackingConfig]:
    """As `tracking`, with the store's file there already."""
    (tmp_path / "store").mkdir()
    shutil.copy(empty_store, tmp_path / "store" / "mlflow.db")
    return tracking
