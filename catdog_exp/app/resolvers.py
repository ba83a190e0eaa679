"""What configs may ask this program for: `${absolute:…}`, `${machine_name:}`, `${run_hash:}`, `${variable:…}`."""

from __future__ import annotations

import hashlib
import os
import socket
import time

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.machine_files import machine_name
from catdog_exp.errors import UserError
from catdog_exp.sweeps import plugins
from catdog_exp.sweeps.composed import absolute


def register() -> None:
    """Make the resolvers, the launcher, the sweepers and the user's own `./conf` known to Hydra."""
    # Kept with a config: its jobs may run in processes that started elsewhere.
    OmegaConf.register_new_resolver("absolute", absolute, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("machine_name", machine_name, replace=True)
    OmegaConf.register_new_resolver("run_hash", run_hash, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("variable", variable, replace=True)
    Plugins.instance().register(OwnConf)
    plugins.register()


def run_hash() -> str:
    """Eight hex digits that no other run started in this second has."""
    return hashlib.sha256(f"{socket.gethostname()} {os.getpid()} {time.time_ns()}".encode()).hexdigest()[:8]


def variable(name: str, *default: object) -> object:
    """The value of a variable of the environment; where that is not set, or empty, the default.

    Raises UserError where there is none either.
    """
    value = os.environ.get(name)
    if not value and not default:
        raise UserError(f"the variable {name} is not set")
    return value or default[0]


class OwnConf(SearchPathPlugin):
    """Lets Hydra look into the user's own `./conf` first."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        own = conf_folders()[:-1]
        if own:
            search_path.prepend("own", f"file://{own[0]}")
