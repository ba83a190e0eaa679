"""Configs that runs have left, to run once more: `--config-path` and `--config-name` name them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_store import ConfigStore

from catdog_exp.app.compose import CONFIG_NAME
from catdog_exp.app.conf_folders import conf_folders, groups
from catdog_exp.errors import UserError

_NAME = "saved_run"


def words_for(flags: argparse.Namespace, overrides: Sequence[str]) -> list[str]:
    """Further flags for Hydra, where the config that `flags` name has no list of defaults, as a run's own.

    All of it is there already, but for what Hydra is to do. Raises UserError for one of another program's, or none,
    and where `overrides` choose a file of a group.
    """
    if flags.config_path is None and flags.config_name is None:
        return []
    if "://" in (flags.config_path or ""):
        return []
    added = [Path(flags.config_dir)] if flags.config_dir is not None else []
    folders = conf_folders() if flags.config_path is None else [Path(flags.config_path)]
    name = f"{flags.config_name or CONFIG_NAME}.yaml".replace(".yaml.yaml", ".yaml")
    file = next((folder / name for folder in (*added, *folders) if (folder / name).is_file()), None)
    if file is None:
        raise UserError(f"{name}: there is no such config in {', '.join(map(str, (*added, *folders)))}")
    text = file.read_text(encoding="utf-8")
    values = _mapping(file, text)
    if "defaults" in values:
        return []
    shipped = conf_folders()[-1] / f"{CONFIG_NAME}.yaml"
    own = _mapping(shipped, shipped.read_text(encoding="utf-8"))
    if "stages" not in values:
        raise UserError(f"{file}: this is no config of a run's; it has neither defaults nor stages")
    defaults = [entry for entry in own["defaults"] if any(str(key).startswith("override hydra/") for key in entry)]
    for word in overrides:
        group = word.lstrip("+~").partition("=")[0]
        if group in groups():
            raise UserError(
                f"{word}: the config of a run that was made has no groups to choose from; set its keys, such as "
                "train.lr=0.01, as `catdog rerun RUN KEY=VALUE` does"
            )
    ConfigStore.instance().store(_NAME, {"defaults": ["_self_", *defaults], **values, "hydra": own["hydra"]})
    return ["--config-path", str(conf_folders()[-1]), "--config-name", _NAME]


def _mapping(file: Path, text: str) -> dict[str, Any]:
    values = yaml.safe_load(text)
    if not isinstance(values, dict):
        raise UserError(f"{file}: this is no config of a run's")
    return values
