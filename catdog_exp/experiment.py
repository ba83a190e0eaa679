"""One run, under one MLflow run: what is checked before it, and the order of its stages."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from catdog_exp.errors import UserError
from catdog_exp.interrupted import run_fingerprint, unfinished
from catdog_exp.schema import RunConfig
from catdog_exp.settings import flat
from catdog_exp.stages import Stages
from catdog_exp.together import alike, part_of
from catdog_exp.tracking.ids import is_run_id
from catdog_exp.training.workers import Workers, joined

log = logging.getLogger(__name__)


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
        from catdog_exp.pictures.packing_on_ray import check_ray

        check_ray()
    if config.hardware.device == "gpu" or config.hardware.gpus > 1:
        from catdog_exp.mx import context

        context(config.hardware.device, config.hardware.gpus)
    if "train" in config.stages and config.train.init_from is not None and not is_run_id(config.train.init_from):
        from catdog_exp.networks.initial import check_weights

        check_weights(Path(config.train.init_from))
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


def run(config: RunConfig, folder: Path, settings: Mapping[str, Any], overrides: Sequence[str]) -> float | None:
    """Do the stages of `config` and log them. Returns the best value of the objective, None when nothing is trained.

    folder: the run's own, there already. settings: the whole config. overrides: what the user changed.
    Raises UserError for what the user can mend.
    """
    from catdog_exp.tracking.earlier import earlier_runs
    from catdog_exp.tracking.run import start_run
    from catdog_exp.tracking.uris import without_password

    # What is logged is for many eyes.
    shown = yaml.safe_load(without_password(yaml.safe_dump(dict(settings), sort_keys=False)))
    words = [without_password(word) for word in overrides]
    fingerprint = run_fingerprint(settings)
    tags = {"objective": config.objective, "fingerprint": fingerprint}
    with contextlib.ExitStack() as stack:
        workers, place = Workers(), None
        if "train" in config.stages:
            workers = stack.enter_context(joined(config.hardware, alike(settings)))
            config = part_of(config, workers)
            outputs, resume = Path(config.paths.outputs), config.train.resume
            if workers.rank == 0:
                place = stack.enter_context(unfinished(fingerprint, outputs, folder, resume=resume))
        going_on = place is not None and place.was_there
        earlier = earlier_runs(config.tracking, [fingerprint]).get(fingerprint) if going_on else None
        tracker = stack.enter_context(
            start_run(
                config.tracking,
                " ".join(words)[:200] or "default",
                tags,
                resume=earlier.run_id if earlier is not None and earlier.state == "unfinished" else None,
            )
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
            stages.train(place)
        if "evaluate" in config.stages:
            stages.evaluate()
        if "predict" in config.stages:
            stages.predict()
        log.info("files: %s", folder)
        log.info("MLflow: %s", tracker.link)
        return stages.trained.best_value if stages.trained else None
