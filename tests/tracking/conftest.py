"""A store of its own for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.store import open_store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store without experiments or runs: making one takes seconds, copying it does not."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    config = TrackingConfig(True, f"sqlite:///{path}", "first", None, None)
    store = open_store(config)
    store.client.delete_experiment(store.experiment_id)
    return path


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
