"""The section `tracking` of the config: where runs are logged."""

from __future__ import annotations

from dataclasses import dataclass

from catdog_exp.reading import Name


@dataclass(frozen=True)
class TrackingConfig:
    """Where runs are logged. Keys: conf/tracking/mlflow.yaml."""

    enabled: bool
    uri: str
    experiment: Name
    artifacts: str | None
    parent_run: str | None
