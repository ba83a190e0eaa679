"""The SQLite file of an MLflow store: made whole, and known to be in order before MLflow opens it."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.tracking.moved import follow, places_before
from catdog_exp.tracking.store_errors import DAMAGED, meaning, schema_problem
from catdog_exp.tracking.uris import SQLITE

log = logging.getLogger(__name__)

LOCK_TIMEOUT = 120  # seconds; making a store takes about 3
MANY = 100  # runs from which on it matters how SQLite finds what belongs to them
BUSY_TIMEOUT = 20  # seconds that another process may hold the database; MLflow's own figure


@contextmanager
def sqlite_file(path: Path) -> Iterator[None]:
    """Hold the store in `path` for this process alone, once it is known that MLflow can write to it.

    It is made where it is not there, or empty. Raises UserError when it cannot be used; what MLflow raises.
    """
    _check_writable(path)
    with _locked(path):
        empty = path.exists() and path.stat().st_size == 0
        if empty:
            log.warning("%s is empty: a new store takes its place; what runs have made is beside it", path)
        if empty or not path.exists():
            _create(path)
        _check_database(path, "BEGIN IMMEDIATE")
        with _plain_errors(path):
            follow(path)
        yield


def check_readable(path: Path) -> None:
    """Raise UserError when MLflow cannot read the store in `path`. Nothing need be writable to be read."""
    if path.stat().st_size == 0:
        raise UserError(f"tracking.uri={SQLITE}{path}: {DAMAGED} (it is empty)")
    _check_database(path, "BEGIN")
    with _plain_errors(path):
        if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) and places_before(path):
            with _locked(path):
                follow(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The slow imports come first, so that nobody waits for them with the lock in hand.
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    from filelock import FileLock, Timeout

    try:
        with FileLock(f"{path}.lock", timeout=LOCK_TIMEOUT):
            yield
    except Timeout:
        raise UserError(
            f"tracking.uri={SQLITE}{path}: another process has held {path}.lock for {LOCK_TIMEOUT} s"
        ) from None


def _create(path: Path) -> None:
    """Make an empty store at `path`, whole or not at all: tables half made would stay broken for good."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import Engine, event

    # Its migrations would wait for the disk a hundred times over for a file that has no name yet.
    event.listen(Engine, "connect", _without_waiting)
    try:
        with replacing(path) as aside:
            # The artifact root is that of MLflow's own experiment "Default".
            made = SqlAlchemyStore(f"{SQLITE}{aside}", str(path.parent / "artifacts"))  # type: ignore[no-untyped-call]
            made.engine.dispose()
            # SQLite itself lets no group write, whatever the folder is for.
            mask = os.umask(0)
            os.umask(mask)
            aside.chmod(0o666 & ~mask)
            with aside.open("rb") as whole:
                os.fsync(whole.fileno())
    finally:
        event.remove(Engine, "connect", _without_waiting)


def _without_waiting(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def _check_writable(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"tracking.uri={SQLITE}{path}: the folder cannot be made ({error.strerror})") from None
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"tracking.uri={SQLITE}{path}: the folder {path.parent} is read-only; choose another")
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(
            f"tracking.uri={SQLITE}{path}: you may not write it; its owner can allow it by `chmod g+w {path}`"
        )


def _check_database(path: Path, begin: str) -> None:
    # MLflow would try ten times, for minutes, and say each time why.
    with _plain_errors(path), closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT)) as database:
        database.execute(begin)
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"experiments", "runs", "alembic_version"} <= tables:
            raise UserError(f"tracking.uri={SQLITE}{path}: this database is no MLflow store; name another file")
        (version,) = database.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        database.rollback()
        _keep_statistics(database)
    if problem := schema_problem(f"{SQLITE}{path}", version):
        raise UserError(f"tracking.uri={SQLITE}{path}: {problem}")


def _keep_statistics(database: sqlite3.Connection) -> None:
    """Let SQLite know how many rows its tables have, each time that the runs have doubled.

    As long as it does not, it looks for the figures of each run among those of all: of 10,000 runs for 7 s.
    """
    with suppress(sqlite3.OperationalError):  # busy, or not to be written to
        (runs,) = database.execute("SELECT count(*) FROM runs").fetchone()
        known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone()
        found = (
            database.execute("SELECT max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = 'runs'")
            if known
            else None
        )
        if runs >= MANY and runs >= 2 * ((found.fetchone()[0] if found else 0) or 1):
            database.execute("PRAGMA busy_timeout = 0")
            database.execute("PRAGMA analysis_limit = 1000")
            database.execute("ANALYZE")
            database.commit()


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        problem = meaning(str(error)) or "this file cannot be used as an MLflow store"
        raise UserError(f"tracking.uri={SQLITE}{path}: {problem} ({error})") from None
