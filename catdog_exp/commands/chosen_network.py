"""Whose network a command takes: that of a word on its line, or the best run's of the data set that it names."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from catdog_exp.app.compose import run_config
from catdog_exp.experiment.config import RunConfig
from catdog_exp.inference.trained_network import Runs
from catdog_exp.packs.plan import plan_pack

log = logging.getLogger(__name__)


def chosen_checkpoint(model: str | None, config: RunConfig, overrides: Sequence[str]) -> Path:
    """The checkpoint file of a network; says which run it is of.

    model: a checkpoint file, or a run as `trained_network.Runs` finds it; None: the best run of the data set that
    `overrides` choose, else of the one that was trained on last.

    Raises UserError where there is none.
    """
    if model is not None and os.path.isfile(model):  # noqa: PTH113 - Path raises for a long word
        return Path(model)
    runs = Runs(config.tracking, config.objective, Path(config.paths.outputs), type(config.model))
    if model is None:
        return runs.best(_dataset(config) if _chooses_data(config, overrides) else None).checkpoint
    run = runs.find(model)
    log.info("network of run %s", run.described)
    return run.checkpoint


def _chooses_data(config: RunConfig, overrides: Sequence[str]) -> bool:
    """Whether the config's data set is one that `overrides` choose."""
    keys = [override.lstrip("+").partition("=")[0] for override in overrides]
    others = [
        override
        for override, key in zip(overrides, keys, strict=True)
        if key not in ("data", "experiment") and not key.startswith("data.")
    ]
    if "data" in keys or len(others) == len(overrides):
        return "data" in keys
    default = run_config(others).data
    return (config.data.source, config.data.classes) != (default.source, default.classes)


def _dataset(config: RunConfig) -> str:
    """The digest of the data set that the config names."""
    data = config.data
    return plan_pack(data.source.listing(data.classes), data, Path(config.paths.outputs) / "packs").dataset
