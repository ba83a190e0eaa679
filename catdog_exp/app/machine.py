"""What the file of a machine (conf/machine/) changes, and what it should not: results."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from catdog_exp.app.compose import compose
from catdog_exp.app.config_files import keys_in
from catdog_exp.app.machine_files import machine_files
from catdog_exp.settings import flat
from catdog_exp.sweeps.composed import plain

# Keys of the pictures that say where they are, or how quickly they are packed.
_PLACES = ("root", "source", "threads", "pack_on", "repack", "shards", "max_rejects")

log = logging.getLogger(__name__)


def warn_of_results(settings: Mapping[str, Any], words: Sequence[str]) -> None:
    """Log a warning where the machine's file changes what changes results.

    settings: a run's, plain. words: the overrides that it was composed with, without those that are swept.
    """
    name = settings["chosen"].get("machine")
    if name in (None, "default"):
        return
    with contextlib.suppress(HydraException, OmegaConfBaseException):
        without = _relevant(plain(compose([*words, "machine=default"])))
        changed = {key: value for key, value in _relevant(settings).items() if without.get(key, value) != value}
        if changed:
            shown = ", ".join(f"{key}={value}" for key, value in changed.items())
            log.warning(
                "machine=%s sets %s, which changes results: other machines come to others; "
                "an experiment is the place for it",
                name,
                shown,
            )


def _relevant(settings: Mapping[str, Any]) -> dict[str, Any]:
    from catdog_exp.experiment.identity import relevant

    data = {key: value for key, value in settings["data"].items() if key not in _PLACES}
    return flat({**relevant(settings), "data": data})


@dataclass(frozen=True)
class Change:
    """What a file of this machine, or of this copy, changes.

    group: machine or local. why: it is in force. file: None where there is none. keys: by key the value in force, the
    one without this file, and the line that sets it.
    """

    group: str
    why: str
    file: Path | None
    keys: dict[str, tuple[Any, Any, int]]


def changes(words: Sequence[str]) -> list[Change]:
    """What the files of this machine and of this copy change. words: overrides of the command."""
    config = flat(plain(compose(words)))
    without = {"machine": "machine=default", "local": "~local"}
    found = []
    for group, why, file in machine_files(words):
        keys: dict[str, tuple[Any, Any, int]] = {}
        lines = keys_in(file, group) if file is not None else {}
        if set(lines) & set(config):
            others = [word for word in words if not word.lstrip("+").startswith(f"{group}=")]
            before = flat(plain(compose([*others, without[group]])))
            keys = {key: (config[key], before.get(key), line) for key, line in lines.items() if key in config}
        found.append(Change(group, why, file, keys))
    return found
