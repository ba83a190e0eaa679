"""The runs that one may take a network from."""

from __future__ import annotations

from pathlib import Path

from catdog_exp.experiment.config import RunConfig
from catdog_exp.inference.trained_network import Runs


def runs_of(config: RunConfig) -> Runs:
    """The runs that one with this config may take a network from."""
    return Runs(config.tracking, config.objective, Path(config.paths.outputs), type(config.model))
