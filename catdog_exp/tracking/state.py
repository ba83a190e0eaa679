"""What stands in a store, seen without opening it for work or changing it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.tracking.preparing import prepare_mlflow
from catdog_exp.tracking.server import check_server
from catdog_exp.tracking.store_errors import DAMAGED, meaning, schema_problem
from catdog_exp.tracking.uris import absolute_uri, is_server, sqlite_path


def store_state(uri: str) -> str:
    """One line about the store at `uri`: how many runs, or that it is still to be made.

    Raises UserError, one line, when it cannot be used.
    """
    uri = absolute_uri(uri)
    path = sqlite_path(uri)
    prepare_mlflow()
    if path is not None:
        return _sqlite_state(path)
    check_server(uri)
    return f"the server answers{_login()}" if is_server(uri) else "a database of your own, not looked into"


def _login() -> str:
    """Whose name MLflow's own variables give at a server."""
    user, password, token = (os.environ.get(f"MLFLOW_TRACKING_{part}") for part in ("USERNAME", "PASSWORD", "TOKEN"))
    if user and password:
        return f" {user}, by MLFLOW_TRACKING_USERNAME"
    return ", by MLFLOW_TRACKING_TOKEN" if token else ""


def _sqlite_state(path: Path) -> str:
    if not path.exists() or path.stat().st_size == 0:
        return "not there yet, the first run makes it"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            (runs,) = database.execute("SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'").fetchone()
            (schema,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
            (damage,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except (sqlite3.Error, TypeError) as error:  # TypeError: a table that should hold one row is empty
        what = meaning(str(error))
        raise UserError(f"{path} cannot be read as an MLflow store: {error}" + (f"; {what}" if what else "")) from None
    if damage != "ok":
        raise UserError(f"{path}: {DAMAGED} ({damage})")
    if problem := schema_problem(f"sqlite:///{path}", schema):
        raise UserError(f"{path}: {problem}")
    return f"{runs} {'run' if runs == 1 else 'runs'}, schema as this MLflow needs it"
