"""The files of a run: where they lie on this disk, or fetched from where they are."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.errors import UserError
from catdog_exp.tracking.limits import HIDDEN
from catdog_exp.tracking.moved import ARTIFACTS
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors
from catdog_exp.tracking.uris import local_path, sqlite_path

if TYPE_CHECKING:
    from mlflow.entities import Run

KEPT_IN = f"{HIDDEN}kept_in"  # tag: the folder that has those files of the run that the store did not take


def run_file(store: Store, run: Run, name: str, downloads: Path) -> Path:
    """The artifact `name` of a run on this disk: where it lies, else fetched into downloads/<run id>/.

    Raises UserError when it cannot be had.
    """
    there = _on_disk(store, run, name)
    if there is not None:
        return there
    folder = _folder(store, run)
    if folder is not None:
        raise UserError(f"run {run.info.run_id}: its file {folder / name} is not on this machine")
    downloads.mkdir(parents=True, exist_ok=True)
    target = downloads / str(run.info.run_id) / name
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=downloads) as aside:
        with plain_errors(store.shown):
            fetched = store.client.download_artifacts(run.info.run_id, name, aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        Path(fetched).replace(target)
    return target


def has_file(store: Store, run: Run, name: str) -> bool:
    """Whether the run has the artifact `name`, on this disk or elsewhere. Raises UserError when the store fails."""
    if _on_disk(store, run, name) is not None:
        return True
    if _folder(store, run) is not None:
        return False
    with plain_errors(store.shown):
        files = store.client.list_artifacts(run.info.run_id, str(Path(name).parent))
    return any(file.path == name for file in files)


def run_files(store: Store, run: Run) -> list[str]:
    """The paths of all artifacts of a run, sorted. Raises UserError when the store fails."""
    folder = _folder(store, run)
    if folder is not None:
        return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    with plain_errors(store.shown):
        return sorted(_listed(store, str(run.info.run_id), None))


def _listed(store: Store, run_id: str, folder: str | None) -> list[str]:
    found = store.client.list_artifacts(run_id, folder)
    inner = [path for file in found if file.is_dir for path in _listed(store, run_id, file.path)]
    return [file.path for file in found if not file.is_dir] + inner


def _on_disk(store: Store, run: Run, name: str) -> Path | None:
    kept = run.data.tags.get(KEPT_IN)
    folders = (_folder(store, run), Path(kept) if kept else None)
    return next((folder / name for folder in folders if folder is not None and (folder / name).exists()), None)


def _folder(store: Store, run: Run) -> Path | None:
    """The folder of the run's artifacts on this disk; None where they are elsewhere.

    Beside the store, where that has such a folder: it may have been moved, and be another's to write to.
    """
    database = sqlite_path(store.uri)
    if database is not None:
        beside = database.parent / ARTIFACTS / str(run.info.run_id) / "artifacts"
        if beside.is_dir():
            return beside
    return local_path(run.info.artifact_uri)
