"""One run, under one MLflow run: what is checked before it, and the order of its stages."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.distributed import alike, part_of
from catdog_exp.experiment.identity import pack_fingerprint, run_fingerprint
from catdog_exp.experiment.run_lock import claimed
from catdog_exp.experiment.stages import Stages
from catdog_exp.settings import flat
from catdog_exp.tracking.ids import is_run_id
from catdog_exp.training.distributed.process_group import ProcessGroup, joined

if TYPE_CHECKING:
    from catdog_exp.tracking.run_lookup import Earlier

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What came of a run.

    objective: its best value, None when nothing was trained. run_id: MLflow's, None where nothing is logged.
    link: one line, how to look at the run. reused: an earlier run's, in place of one of its own.
    """

    objective: float | None
    run_id: str | None
    link: str
    reused: bool = False


def check(config: RunConfig) -> None:
    """Raise UserError for what can be seen to be wrong before any work is done or anything is made."""
    from catdog_exp.tracking.uris import absolute_uri
    from catdog_exp.training.objective import check_objective

    check_objective(config.objective)
    _check_outputs(Path(config.paths.outputs))
    if config.tracking.enabled:
        absolute_uri(config.tracking.uri)
    if set(config.stages) != {"predict"}:
        config.data.source.check(config.data.classes)
    if "pack" in config.stages and config.data.pack_on == "ray":
        from catdog_exp.packs.ray import check_ray

        check_ray()
    hardware = config.hardware
    if hardware.device == "gpu" or hardware.gpus > 1 or hardware.dtype != "float32":
        from catdog_exp.mx import check_dtype, context

        check_dtype(context(hardware.device, hardware.gpus), hardware.dtype)
    if "train" in config.stages and config.train.init_from is not None and not is_run_id(config.train.init_from):
        from catdog_exp.networks.initial_weights import check_weights

        check_weights(Path(config.train.init_from))
    if "train" in config.stages and config.train.freeze:
        from catdog_exp.networks.freezing import check_patterns

        check_patterns(config.model, config.data.resize, [str(word) for word in config.train.freeze])
    if "predict" in config.stages:
        pictures = config.predict.pictures
        if pictures is None and not config.data.source.has_test_pictures:
            raise UserError("predict.pictures is not set: give predict.pictures=DIR")
        if pictures is not None and not Path(pictures).exists():
            raise UserError(f"predict.pictures={pictures}: there is no such file or folder")


def _check_outputs(outputs: Path) -> None:
    there = next(folder for folder in (outputs, *outputs.parents) if folder.exists())
    if not there.is_dir():
        raise UserError(f"paths.outputs={outputs}: {there} is a file, name a folder")
    if not os.access(there, os.W_OK):
        raise UserError(f"paths.outputs={outputs}: {there} cannot be written to, name another folder")


def run(
    config: RunConfig,
    folder: Path,
    settings: Mapping[str, Any],
    overrides: Sequence[str],
    on_epoch: Callable[[int, Mapping[str, float]], None] | None = None,
    expected: str | None = None,
) -> Result:
    """Do the stages of `config` and log them, unless the experiment has a run with the same result already.

    folder: the run's own, there already. settings: the whole config. overrides: what the user changed.
    on_epoch: called for each epoch with its number, counted from 1, and its metrics. expected: its fingerprint.

    Raises UserError for what the user can mend, Elsewhere as `claimed` does.
    """
    from catdog_exp.tracking.run import start_run
    from catdog_exp.tracking.uris import without_password

    # What is logged is for many eyes.
    shown = yaml.safe_load(without_password(yaml.safe_dump(dict(settings), sort_keys=False)))
    words = [without_password(word) for word in overrides]
    tags = {"objective": config.objective}
    with contextlib.ExitStack() as stack:
        workers, claim = ProcessGroup(), None
        if "train" in config.stages:
            workers = stack.enter_context(joined(config.hardware, alike(settings)))
            config = part_of(config, workers)
            if workers.rank == 0:
                pack = pack_fingerprint(config)
                tags["fingerprint"] = run_fingerprint(settings, pack)
                if expected not in (None, tags["fingerprint"]):
                    raise UserError("the pictures, or the weights to start from, have changed since the sweep began")
                claim = stack.enter_context(claimed(config, tags["fingerprint"], folder))
        if claim is not None and claim.finished is not None:
            return _reused(claim.finished, config.objective)
        tracker = stack.enter_context(
            start_run(config.tracking, " ".join(words)[:200] or "default", tags, claim.interrupted if claim else None)
        )
        tracker.params(flat(shown))
        for name, content in (("config.yaml", shown), ("overrides.yaml", words)):
            (folder / name).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
            tracker.artifact(folder / name, "config")
        stages = Stages(config, folder, tracker, workers)
        if "train" not in config.stages and {"evaluate", "predict"} & set(config.stages):
            stages.classifier  # noqa: B018 - whether there is one, is to be known before any work
        if "pack" in config.stages:
            stages.pack()
        if "preview" in config.stages:
            stages.preview()
        if "train" in config.stages:
            if claim is not None and stages.packed.fingerprint != pack:
                raise UserError("the pictures have changed since this run began: give the same command again")
            stages.train(claim.folder if claim else None, on_epoch)
        if "evaluate" in config.stages:
            stages.evaluate()
        if "predict" in config.stages:
            stages.predict()
        log.info("files: %s", folder)
        log.info("MLflow: %s", tracker.link)
        return Result(stages.trained.best_value if stages.trained else None, tracker.run_id, tracker.link)


def _reused(finished: Earlier, objective: str) -> Result:
    log.info(
        "finished already: run %s, %s %.4f; if_exists=new runs it again",
        finished.run_id[:8],
        objective,
        finished.objective,
    )
    log.info("MLflow: %s", finished.link)
    return Result(finished.objective, finished.run_id, finished.link, reused=True)
