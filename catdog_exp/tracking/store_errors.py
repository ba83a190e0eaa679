"""What goes wrong in a store, as one line for the user: what, where and what to do."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path

from catdog_exp.errors import UserError

# Modules that MLflow and SQLAlchemy import to reach a database or a place for files, and the packages that bring them.
DRIVERS = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "pymysql": "pymysql",
    "pyodbc": "pyodbc",
    "boto3": "boto3",
    "azure": "azure-storage-blob",
    "google": "google-cloud-storage",
    "pysftp": "pysftp",
}
DAMAGED = (
    "the file is damaged; move it away, and the next run makes a new one. What runs have made is whole, "
    "in runs/ and artifacts/ beside it"
)
# What a database, a server or the system says, and what that means to the user.
_MEANINGS = {
    r"database disk image is malformed|file is not a database|malformed database schema": DAMAGED,
    r"database or disk is full|disk I/O error|No space left": "its disk is full, or fails: make room",
    r"readonly database|unable to open database file": "you may not write it, or not read it: its owner can allow it "
    "by `chmod g+rw`",
    r"error code 413|413 Client Error": "it, or a proxy before it, takes no file this large (413): raise its "
    "limit, such as nginx's client_max_body_size",
    r"error code 40[13]|40[13] Client Error": "it does not let you in (401 or 403): give MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    r"<html|<!doctype|not in a valid JSON format": "it answers with a page, not as an MLflow server does: is there a "
    "login or a proxy before it?",
}
PASSING = (408, 425, 429, 499)  # answers of a server that is only busy
_SCHEMA_STEP = re.compile(r"""^(revision|down_revision) = ["'](\w+)["']""", re.MULTILINE)
_SCHEMA = re.compile(r"out-of-date database schema \(found version (\w+)")


@contextmanager
def plain_errors(shown: str) -> Iterator[None]:
    """Turn an exception of MLflow, its database, its server or the system into a UserError that names the store.

    So too where Python has no driver for the database. shown: the store, without a password.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, RequestException) as error:
        raise UserError(f"the MLflow store {shown} failed: {_problem(shown, error)}") from error
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        raise UserError(f"the MLflow store {shown} failed: its files cannot be written or read: {what}") from error
    except ModuleNotFoundError as error:
        package = DRIVERS.get((error.name or "").partition(".")[0])
        if package is None:
            raise
        raise UserError(
            f"tracking.uri={shown}: this store needs the package {package}: `pip install '{package}'`"
        ) from None


def is_final(error: BaseException) -> bool:
    """Whether a store that answers would say the same to the same call again: it, or its place for files, refuses it.

    error: what MLflow or the system has raised, or the UserError that `plain_errors` has made of it.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    cause = error.__cause__ if isinstance(error, UserError) else error
    if isinstance(cause, MlflowException | RequestException):
        response = getattr(cause, "response", None)
        found = re.search(r"error code (\d{3})\b|\b(4\d\d) Client Error", str(cause))
        if response is not None:
            status = response.status_code
        elif found is not None:
            status = int(found[1] or found[2])
        else:
            status = cause.get_http_status_code() if isinstance(cause, MlflowException) else 0  # type: ignore[no-untyped-call]
        return 400 <= status < 500 and status not in PASSING
    return not isinstance(cause, SQLAlchemyError)


@cache
def schema_problem(shown: str, found: str) -> str | None:
    """What is wrong with a store whose schema is `found`, in one line; None where this MLflow's is the same."""
    known = _schemas()
    if found not in known:
        return (
            f"it was made by an MLflow newer than the {metadata.version('mlflow')} that is installed (its schema "
            f"{found} is not known here); use the newer one's environment, or another store by "
            "tracking.uri=sqlite:///FILE.db"
        )
    if found not in known.values():
        return None
    return f"it has the schema {found} of an older MLflow: keep a copy, then run `mlflow db upgrade {shown}`"


def _schemas() -> dict[str, str]:
    """The schemas that this MLflow knows, each with the one before it; read without its import, which takes seconds."""
    spec = importlib.util.find_spec("mlflow")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("mlflow is not installed", name="mlflow")
    folder = Path(spec.origin).parent / "store" / "db_migrations" / "versions"
    steps = [dict(_SCHEMA_STEP.findall(file.read_text(encoding="utf-8"))) for file in folder.glob("*.py")]
    return {step["revision"]: step.get("down_revision", "") for step in steps if "revision" in step}


def meaning(text: str) -> str | None:
    """What the words of a database, a server or the system mean to the user; None where they are not known."""
    return next((line for sign, line in _MEANINGS.items() if re.search(sign, text, re.IGNORECASE)), None)


def problem(error: Exception) -> str:
    """What went wrong, in one line: what its words mean, else the first of them that says so."""
    text = str(error).strip()
    # SQLAlchemy tells first what it was about to do.
    lines = [line for line in text.splitlines() if "autoflush" not in line]
    return meaning(text) or (lines[0] if lines else type(error).__name__)


def _problem(shown: str, error: Exception) -> str:
    schema = _SCHEMA.search(str(error))
    return (schema_problem(shown, schema[1]) if schema else None) or problem(error)
