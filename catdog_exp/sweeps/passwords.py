"""The password of `tracking.uri` on its way to a sweep's jobs, past the files that the sweep leaves for many eyes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write

from catdog_exp.tracking.uris import without_password

VARIABLE = "CATDOG_TRACKING_URI"  # of the environment, which all processes of a sweep have


def hand_on(uri: str) -> None:
    """Let the processes that this one starts from now on know the tracking URI with its password."""
    if without_password(uri) != uri:
        os.environ[VARIABLE] = uri


def restored(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings out of a file, with the tracking URI that was handed on where theirs lacks its password."""
    uri, tracking = os.environ.get(VARIABLE), settings.get("tracking", {})
    if uri is None or tracking.get("uri") != without_password(uri):
        return dict(settings)
    return {**settings, "tracking": {**tracking, "uri": uri}}


def hidden(value: Any) -> Any:
    """Plain values with `***` for the password of each URI in them."""
    if isinstance(value, Mapping):
        return {key: hidden(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hidden(each) for each in value]
    return without_password(value) if isinstance(value, str) else value


def hide(config: DictConfig) -> None:
    """Put `***` for the password of each URI in a composed config, which Hydra and its launchers write to files."""
    with read_write(config), open_dict(config):
        _hide(config, OmegaConf.to_container(config, resolve=False))


def _hide(config: DictConfig | ListConfig, values: Any) -> None:
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        if isinstance(value, dict | list):
            _hide(config[key], value)
        elif (shown := hidden(value)) != value:
            config[key] = shown
