"""Tracking URIs: which kinds there are, and where their files lie."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from catdog_exp.errors import UserError
from catdog_exp.tracking.config import TrackingConfig

SQLITE = "sqlite:///"
DATABASES = ("postgresql", "mysql", "mssql")
_PASSWORD = re.compile(r"(://[^/\s:@]*):[^\s/]+@")


def absolute_uri(uri: str) -> str:
    """`uri` with the path of a SQLite file made absolute. Raises UserError where MLflow can keep no runs."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if uri.startswith(SQLITE) and len(uri) > len(SQLITE):
        path = Path(uri.removeprefix(SQLITE)).absolute()
        if {"%", "?"} & set(str(path)):
            raise UserError(f"tracking.uri={uri}: MLflow opens no file whose path has % or ? in it; choose another")
        return f"{SQLITE}{path}"
    if scheme not in ("http", "https", *DATABASES):
        raise UserError(
            f"tracking.uri={uri}: MLflow keeps runs in a database or at a server; "
            "give sqlite:///FILE.db or http://HOST:PORT"
        )
    return uri


def sqlite_path(uri: str) -> Path | None:
    """The file of an absolute SQLite URI, or None for any other store."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def is_server(uri: str) -> bool:
    """Whether the store is a server's, reached over HTTP."""
    return uri.startswith(("http://", "https://"))


def local_path(location: str) -> Path | None:
    """The folder that MLflow calls `location`, None where that is on no disk."""
    place = urlsplit(location)
    if place.scheme == "file":
        return Path(unquote(place.path))
    return None if place.scheme else Path(location)


def without_password(text: str) -> str:
    """`text` as it may be shown and logged: `***` for the password of each URI in it."""
    return _PASSWORD.sub(r"\1:***@", text)


def artifact_root(config: TrackingConfig) -> str | None:
    """Where a new experiment keeps files: as configured, else beside a SQLite file; None: the server says."""
    if config.artifacts is not None:
        remote = ":/" in config.artifacts
        return config.artifacts if remote else str(Path(config.artifacts).absolute())
    path = sqlite_path(absolute_uri(config.uri))
    return str(path.parent / "artifacts") if path is not None else None
