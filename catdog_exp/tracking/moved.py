"""Stores whose folder was moved or copied: MLflow keeps the places of runs' files in full."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

ARTIFACTS = "artifacts"  # folder beside a SQLite store for the files of its runs
LOOKED_AT = 100  # newest runs of those whose files should lie elsewhere
# Of all that name a place below it.
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def places_before(database: Path) -> set[str]:
    """The folders that runs' files lay in before the store, and they with it, came to be where they are."""
    here = database.parent / ARTIFACTS
    with closing(sqlite3.connect(database)) as connection:
        elsewhere = connection.execute(
            "SELECT artifact_location, run_uuid FROM experiments JOIN runs USING (experiment_id) "
            "WHERE artifact_location LIKE '/%' AND artifact_location != ? ORDER BY start_time DESC LIMIT ?",
            [str(here), LOOKED_AT],
        ).fetchall()
    return {str(place) for place, run_id in elsewhere if (here / str(run_id)).is_dir()}


def follow(database: Path) -> None:
    """Name the places where the files are now, if the store has moved; its lock must be held."""
    here = str(database.parent / ARTIFACTS)
    for before in places_before(database):
        with closing(sqlite3.connect(database)) as connection, connection:
            for table, column in _PLACES:
                connection.execute(
                    f"UPDATE {table} SET {column} = :here || substr({column}, length(:before) + 1) "
                    f"WHERE {column} = :before OR substr({column}, 1, length(:before) + 1) = :before || '/'",
                    {"here": here, "before": before},
                )
