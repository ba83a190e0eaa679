"""What MLflow keeps of a run, read back: its settings, words, figures, files and where it came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from catdog_exp.errors import UserError
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.run_files import run_file, run_files
from catdog_exp.tracking.store import Store, existing_store
from catdog_exp.tracking.store_errors import plain_errors
from catdog_exp.tracking.system_metrics import SYSTEM

if TYPE_CHECKING:
    from mlflow.entities import Run

CONFIG, OVERRIDES = "config/config.yaml", "config/overrides.yaml"  # artifacts of every run
RERUN_OF = "rerun_of"  # tag: id of the run that this one repeats
COMMIT, DIRTY, VERSION = "mlflow.source.git.commit", "git_dirty", "version/"  # tags; the last is a prefix


@dataclass(frozen=True)
class Record:
    """A run as MLflow has it.

    status: MLflow's, in lower case. seconds: from its start to its end, None while it runs. artifacts: where its files
    are. settings: its whole config. words: what its user changed. metrics: the last value of each, but for
    the machine's load. files: paths of its artifacts, sorted.
    """

    run_id: str
    name: str
    status: str
    seconds: float | None
    artifacts: str
    settings: dict[str, Any]
    words: list[str]
    metrics: dict[str, float]
    tags: dict[str, str]
    files: list[str]

    @property
    def short(self) -> str:
        """The id's first 8 digits, as lists show it."""
        return self.run_id[:8]

    @property
    def origin(self) -> dict[str, str]:
        """Commit, machine and versions, by a name for people."""
        commit = self.tags.get(COMMIT, "unknown")[:12] + " with changes" * (self.tags.get(DIRTY) == "true")
        versions = {
            f"version of {key.removeprefix(VERSION)}": value
            for key, value in sorted(self.tags.items())
            if key.startswith(VERSION)
        }
        return {"commit": commit, "machine": self.tags.get("machine", "unknown"), **versions}


def read_record(store: Store, run: Run, downloads: Path) -> Record:
    """Read a run back. downloads: folder for files that are not on this machine.

    Raises UserError where the run has no config (a sweep has none of its own), or the store fails.
    """
    info, run_id = run.info, str(run.info.run_id)
    files = run_files(store, run)
    if CONFIG not in files:
        raise UserError(f"run {run_id[:8]}: it has no {CONFIG}; name a single run, or a sweep's best with SWEEP:best")
    settings, words = (
        yaml.safe_load(run_file(store, run, name, downloads).read_text(encoding="utf-8"))
        for name in (CONFIG, OVERRIDES)
    )
    return Record(
        run_id=run_id,
        name=info.run_name or run_id,
        status=str(info.status).lower(),
        seconds=None if info.end_time is None else (info.end_time - info.start_time) / 1000,
        artifacts=str(info.artifact_uri),
        settings=settings,
        words=list(words or []),
        metrics={key: value for key, value in run.data.metrics.items() if not key.startswith(SYSTEM)},
        tags=dict(run.data.tags),
        files=files,
    )


def history(store: Store, run_id: str, keys: list[str]) -> list[dict[str, float]]:
    """The metrics `keys` epoch by epoch, the first one's first. Raises UserError when the store fails."""
    epochs: dict[int, dict[str, float]] = {}
    for key in keys:
        with plain_errors(store.shown):
            for point in store.client.get_metric_history(run_id, key):
                epochs.setdefault(point.step, {})[key] = point.value
    return [epochs[step] for step in sorted(epochs)]


def logged_table(store: Store, run_id: str, name: str, downloads: Path) -> list[dict[str, Any]]:
    """The rows of a table that a run has logged as `name`. Raises UserError when it cannot be had."""
    with plain_errors(store.shown):
        run = store.client.get_run(run_id)
    return table_rows(run_file(store, run, name, downloads))


def table_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a table in a file as MLflow has them."""
    table = json.loads(file.read_text(encoding="utf-8"))
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def tags_and_file(config: TrackingConfig, run_id: str, name: str, downloads: Path) -> tuple[dict[str, str], Path]:
    """The tags of the run with this id, and its artifact `name` on this disk. Raises UserError where it has none."""
    store = existing_store(config)
    with plain_errors(store.shown):
        run = store.client.get_run(run_id)
    return dict(run.data.tags), run_file(store, run, name, downloads)
