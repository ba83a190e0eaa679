"""Configs as Hydra composes them, turned into plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from catdog_exp.errors import UserError
from catdog_exp.paths import expanded


def plain(config: DictConfig) -> dict[str, Any]:
    """A composed config as plain dicts and lists, resolved, with absolute paths.

    In place of Hydra's own section it has the name of the machine's file.
    """
    machine = OmegaConf.select(config, "hydra.runtime.choices.machine")
    config = config.copy()
    with open_dict(config):
        config.pop("hydra", None)
        config.setdefault("machine", machine)
    outputs = OmegaConf.select(config, "paths.outputs")
    if isinstance(outputs, str) and outputs:
        config.paths.outputs = absolute(outputs)
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def absolute(path: object) -> str:
    """`path` from where the command was started, `~` and `$VARIABLES` expanded. UserError: wrong ones."""
    if not isinstance(path, str):
        raise UserError(f"paths.outputs={path}: name a folder")
    try:
        return str(Path(expanded(path)).absolute())
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
