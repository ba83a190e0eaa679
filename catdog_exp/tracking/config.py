"""The section `tracking` of the config: where runs are logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from catdog_exp.paths import LocalPath, expanded
from catdog_exp.reading import Name


def _expanded(uri: str) -> str:
    start, sqlite, path = uri.partition("sqlite:///")
    # What follows a ? is no path; `uris.absolute_uri` says that it cannot be.
    return start + sqlite + expanded(path) if sqlite and path and "?" not in path else uri


@dataclass(frozen=True)
class TrackingConfig:
    """Where runs are logged. Keys: conf/tracking/mlflow.yaml."""

    enabled: bool
    uri: Annotated[str, AfterValidator(_expanded)]
    experiment: Name
    artifacts: LocalPath | None
    parent_run: str | None
    run: str | None = None
    promote: bool = False

    @property
    def own_run(self) -> str | None:
        """Id of the run that this one is to be logged to. The jobs of a sweep have new ones, under that."""
        return self.run if self.parent_run is None else None
