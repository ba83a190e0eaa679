"""Hydra's entry: compose, check, run, return the objective."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import hydra
import yaml
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from catdog_exp.config_errors import config_line
from catdog_exp.errors import UserError
from catdog_exp.settings import flat

if TYPE_CHECKING:
    from catdog_exp.schema import RunConfig

VERSION_BASE = "1.3"
CONFIG_NAME = "config"

# A sweep's run at the tracking server: opened by the callback below once the sweep is known to be sound,
# closed by `main` however the sweep ends. (Hydra tells callbacks nothing about a sweep in which a job failed.)
_sweep = contextlib.ExitStack()


def conf_folders() -> list[Path]:
    """The folders that configs are searched in, first to last: the user's own `./conf`, then the package's."""
    package = Path(__file__).resolve().parent
    shipped = package / "conf"  # in a wheel; in a checkout it stands beside the package
    shipped = shipped if shipped.is_dir() else package.parent / "conf"
    own = Path.cwd() / "conf"
    return [own, shipped] if own.is_dir() and not own.samefile(shipped) else [shipped]


def main(words: Sequence[str]) -> None:
    """Run Hydra on the words of a command line: one run, a sweep, or one of Hydra's own questions.

    Raises UserError for a config that cannot be composed, IncompleteSweep for jobs of a sweep without a result,
    else the error of the run.
    """
    # Hydra prints a failed job's error by itself and ends the process, unless it is told to let it through.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv = ["catdog", *words]
    conf = str(conf_folders()[-1])
    hydra_main = hydra.main(version_base=VERSION_BASE, config_path=conf, config_name=CONFIG_NAME)
    with _composing(words), _sweep:
        try:
            hydra_main(job)()
        except _Stop as stop:
            raise stop.cause from None


def job(config: DictConfig) -> float | None:
    """One run, as Hydra calls it. Returns the objective, for sweepers."""
    from catdog_exp import experiment
    from catdog_exp.claim import Elsewhere
    from catdog_exp.reading import read
    from catdog_exp.schema import RunConfig

    this = HydraConfig.get()
    words = list(this.overrides.task)
    if this.mode == RunMode.MULTIRUN:
        from catdog_exp.sweeps.job import sweep_job

        os.chdir(this.runtime.cwd)  # of the command; a cluster's processes start elsewhere
        return sweep_job(Path(this.sweep.dir), this.job.num, words, lambda: plain(config))
    try:
        values = plain(config)
        folder = Path(this.runtime.output_dir)
        return experiment.run(read(RunConfig, values), folder=folder, settings=values, overrides=words).objective
    except Elsewhere as where:
        print(f"skipped: {where}")
        return None
    except Exception as error:
        raise _Stop(error) from error


class _Stop(BaseException):
    """Ends a single run or the start of one, past Hydra, which would print its own lines about it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class CheckFirst(Callback):
    """Checks a run, or every job of a sweep, before anything is made on disk; of a sweep but its pictures."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        with _stopping():
            _check(config)
            if config.sweep.dry_run:
                raise UserError("sweep.dry_run=true: this is a single run; add -m, and values to sweep")

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        with _stopping():
            from catdog_exp.sweeps.beginning import begin

            _sweep.enter_context(begin(config))


@contextlib.contextmanager
def _composing(words: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise UserError(config_line(error, lambda: _known_keys(words))) from error


def _known_keys(words: Sequence[str]) -> list[str]:
    """All keys of the config with the groups that `words` choose, sections and groups included."""
    chosen = [word for word in words if re.fullmatch(r"[\w/]+=\w+", word)]
    for overrides in (chosen, []):
        with contextlib.suppress(HydraException):
            values = OmegaConf.to_container(_compose(overrides), resolve=False)
            keys = list(flat(cast("dict[str, Any]", values)))
            return sorted({key.rsplit(".", cut)[0] for key in keys for cut in range(key.count(".") + 1)})
    return []


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    # Hydra turns an Exception of a callback into a warning and goes on.
    try:
        yield
    except Exception as error:
        raise _Stop(error) from error


def _check(config: DictConfig) -> None:
    from catdog_exp import experiment
    from catdog_exp.reading import read
    from catdog_exp.schema import RunConfig

    experiment.check(read(RunConfig, plain(config)))


def run_config(overrides: Sequence[str]) -> RunConfig:
    """The config, typed and checked, for a command that is not a run."""
    from catdog_exp.reading import read
    from catdog_exp.schema import RunConfig

    with _composing(overrides):
        return read(RunConfig, plain(_compose(overrides)))


def _compose(overrides: Sequence[str]) -> DictConfig:
    with hydra.initialize_config_dir(str(conf_folders()[-1]), version_base=VERSION_BASE):
        return hydra.compose(CONFIG_NAME, overrides=list(overrides))


def plain(config: DictConfig) -> dict[str, Any]:
    """A composed config as plain dicts and lists, resolved, with absolute paths and without Hydra's own section."""
    config = config.copy()
    with open_dict(config):
        config.pop("hydra", None)
    outputs = OmegaConf.select(config, "paths.outputs")
    if isinstance(outputs, str) and outputs:
        config.paths.outputs = absolute(outputs)
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def machine_name() -> str:
    """Which file of conf/machine/ this machine uses: CATDOG_MACHINE, else the host's name if there is such a file."""
    chosen = os.environ.get("CATDOG_MACHINE")
    if chosen:
        return chosen
    host = socket.gethostname()
    there = any((folder / "machine" / f"{host}.yaml").is_file() for folder in conf_folders())
    return host if there else "default"


def absolute(path: str) -> str:
    """`path` from where the command was started; `~` is the user's home."""
    return str(Path(path).expanduser().absolute())


def run_hash() -> str:
    """Eight hex digits that no other run started in this second has."""
    return hashlib.sha256(f"{socket.gethostname()} {os.getpid()} {time.time_ns()}".encode()).hexdigest()[:8]


class OwnConf(SearchPathPlugin):
    """Lets Hydra look into the user's own `./conf` first."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        own = conf_folders()[:-1]
        if own:
            search_path.prepend("own", f"file://{own[0]}")


def jobs_at_once(asked: int | None, threads: int | None) -> int:
    """How many jobs of a sweep this machine runs at once, for launchers that are to know."""
    from catdog_exp.sweeps.slots import jobs_at_once

    return jobs_at_once(asked, threads)


# Kept with a config: its jobs may run in processes that started elsewhere.
OmegaConf.register_new_resolver("absolute", absolute, use_cache=True, replace=True)
OmegaConf.register_new_resolver("machine_name", machine_name, replace=True)
OmegaConf.register_new_resolver("jobs_at_once", jobs_at_once, replace=True)
OmegaConf.register_new_resolver("run_hash", run_hash, use_cache=True, replace=True)
Plugins.instance().register(OwnConf)
