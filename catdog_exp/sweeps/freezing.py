"""A sweep's configuration files as they were when it began, whatever is done to them while it runs."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_search_path import ConfigSearchPath
from omegaconf import DictConfig

FILE = "file://"


class FrozenLoader(ConfigLoaderImpl):
    """Composes jobs from copies of the configuration's folders, and each job once in a process."""

    def __init__(
        self, search_path: ConfigSearchPath, folder: Path, composed: dict[tuple[str, ...], DictConfig]
    ) -> None:
        """Copy the folders of `search_path` into `folder`. composed: jobs that are composed already, by overrides."""
        copied = copy.deepcopy(search_path)
        for number, element in enumerate(copied.get_path()):
            place = (element.path or "").removeprefix(FILE)
            if Path(place).is_absolute():
                shutil.copytree(place, folder / str(number), ignore=_all_but_yaml, ignore_dangling_symlinks=True)
                element.path = f"{FILE}{folder / str(number)}"
        super().__init__(copied)
        self._composed = composed

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        key = tuple(sweep_overrides)
        if key not in self._composed:
            self._composed[key] = super().load_sweep_config(master_config, sweep_overrides)
        return copy.deepcopy(self._composed[key])

    def __getstate__(self) -> dict[str, Any]:
        # A launcher sends the loader to each job's process, which needs its own job alone.
        return {**self.__dict__, "_composed": {}}


def _all_but_yaml(folder: str, names: list[str]) -> set[str]:
    kept = (name for name in names if (Path(folder) / name).is_dir() or name.endswith((".yaml", ".yml")))
    return set(names) - {name for name in kept if not name.startswith(".")}
