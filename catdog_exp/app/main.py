"""A run or a sweep, as Hydra calls it: compose, check, run, return the objective."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import hydra
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from catdog_exp.app.compose import CONFIG_NAME, VERSION_BASE, composing
from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.flags import command_line
from catdog_exp.app.folders import check_keys, check_outputs, take
from catdog_exp.app.machine import warn_of_results
from catdog_exp.app.resolvers import register
from catdog_exp.app.saved_config import words_for
from catdog_exp.collection import uncollected
from catdog_exp.errors import UserError
from catdog_exp.reading import read
from catdog_exp.sources.source import Listing
from catdog_exp.sweeps.composed import plain
from catdog_exp.sweeps.passwords import hand_on, hidden, hide, restored
from catdog_exp.sweeps.plugins import JobLauncher
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.sender import Sender
from catdog_exp.tracking.sender_process import SenderProcess


def main(words: Sequence[str], process: SenderProcess | None = None) -> None:
    """Run Hydra on the words of a command line: one run, a sweep, or one of Hydra's own questions.

    process: for the tracking, started already.
    Raises UserError for a config that cannot be composed, IncompleteSweep for jobs of a sweep without a result,
    else the error of the run.
    """
    # Hydra prints a failed job's error by itself and ends the process, unless it is told to let it through.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    CheckFirst.process = JobLauncher.process = process
    if "hydra/launcher=ray_cluster" in words and not any(word.startswith("-") for word in words):
        words = [*words, "-m"]  # what a cluster is to run is launched there, a single run too
    line = command_line(words)
    conf = str(conf_folders()[-1])
    hydra_main = hydra.main(version_base=VERSION_BASE, config_path=conf, config_name=CONFIG_NAME)
    with composing(line.overrides):
        sys.argv = ["catdog", *line.words, *words_for(line.flags, line.overrides)]
        # To --package alone Hydra has an own line.
        said = io.StringIO() if line.flags.package is not None else sys.stderr
        try:
            with contextlib.redirect_stderr(said), uncollected():  # until the work begins
                hydra_main(job)()
        except _Done:
            return
        except SystemExit as end:
            if end.code == 1:
                raise UserError(
                    f"--package {line.flags.package}: the config has no such section, or it is null"
                ) from None
            raise
        except _Stop as stop:
            raise stop.cause from None


def job(config: DictConfig) -> float | None:
    """One run, as Hydra calls it. Returns the objective, for sweepers."""
    gc.enable()
    this = HydraConfig.get()
    if this.mode == RunMode.MULTIRUN:
        known = ", ".join(sorted(file.stem for file in (conf_folders()[-1] / "hydra" / "launcher").glob("*.yaml")))
        raise UserError(
            f"hydra.launcher: {this.launcher._target_} cannot run these jobs; hydra/launcher can be {known}"
        )
    try:
        settings = restored(plain(config, this.runtime.choices))
        return _run(settings, Path(this.runtime.output_dir), list(this.overrides.task))
    except Exception as error:
        raise _Stop(error) from error


def _run(settings: dict[str, Any], folder: Path, words: list[str]) -> float | None:
    from catdog_exp.experiment.config import RunConfig
    from catdog_exp.experiment.promotion import promote_if_asked
    from catdog_exp.experiment.run import run
    from catdog_exp.experiment.run_lock import Elsewhere

    try:
        config, found = read(RunConfig, settings), CheckFirst
        result = run(config, folder, settings, words, listing=found.listing, sender=found.sender)
        promote_if_asked(config, result)
        return result.objective
    except Elsewhere as where:
        print(f"skipped: {where}")
        return None


class _Stop(BaseException):
    """Ends a single run or the start of one, past Hydra, which would print its own lines about it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Done(BaseException):
    """Ends the command, past Hydra, without a run: it has said what it was asked for."""


class CheckFirst(Callback):
    """Checks a run before anything is made on disk. (A sweep's launcher checks all of its jobs.)

    What it has found is there for the run, to which Hydra hands nothing on. listing: of its pictures, where the check
    had to make it. process: for the tracking of this run, where it is started already. sender: of this run, None where
    nothing is logged.
    """

    listing: ClassVar[Listing | None] = None
    process: ClassVar[SenderProcess | None] = None
    sender: ClassVar[Sender | None] = None

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        with _stopping(), contextlib.ExitStack() as stack:
            CheckFirst.sender = _sender(config)  # it gets ready while all else is imported and checked
            if CheckFirst.sender is not None:
                stack.callback(CheckFirst.sender.close)
            check_outputs(OmegaConf.select(config, "paths.outputs"))
            check_keys(config.hydra)
            values = plain(config)
            CheckFirst.listing = _checked(values)
            if config.sweep.dry_run:
                raise UserError("sweep.dry_run=true: this is a single run; add -m, and values to sweep")
            if config.plan:
                print(_plan_text(values))
                raise _Done
            warn_of_results(values, _single(config))
            take(Path(config.hydra.run.dir), yaml.safe_dump(hidden(values), sort_keys=False, allow_unicode=True))
            # Before Hydra writes the config into the run's folder.
            hand_on(values["tracking"]["uri"])
            hide(config)
            stack.pop_all()

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        with _stopping():
            check_outputs(OmegaConf.select(config, "paths.outputs"))
            check_keys(config.hydra)
            with contextlib.suppress(OmegaConfBaseException):  # what the sweep varies may be what no run does without
                warn_of_results(plain(config), _single(config))


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    # Hydra turns an Exception of a callback into a warning and goes on.
    try:
        yield
    except Exception as error:
        raise _Stop(error) from error


def _sender(config: DictConfig) -> Sender | None:
    """What is to talk to MLflow for this run; None where nothing is logged, or it is wrong what is."""
    with contextlib.suppress(UserError, OmegaConfBaseException):
        tracking = read(TrackingConfig, plain(config)["tracking"])
        return Sender(tracking, CheckFirst.process) if tracking.enabled and not config.plan else None
    return None


def _single(config: DictConfig) -> list[str]:
    """The command's overrides but for those that are swept."""
    words = list(config.hydra.overrides.task)
    parser = OverridesParser.create()
    return [word for word in words if not parser.parse_override(word).is_sweep_override()]


def _checked(values: dict[str, Any]) -> Listing | None:
    """Check the config, and return the listing of its pictures where that made it."""
    from catdog_exp.experiment.checks import check
    from catdog_exp.experiment.config import RunConfig

    return check(read(RunConfig, values))


def _plan_text(values: dict[str, Any]) -> str:
    from catdog_exp.experiment.config import RunConfig
    from catdog_exp.experiment.plan_text import plan_text

    return plan_text(read(RunConfig, values), values, CheckFirst.listing)


# A cluster's processes import this module by the job's name: they must know the resolvers too.
register()
