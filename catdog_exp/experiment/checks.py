"""What can be seen to be wrong with a run before any work is done or anything is made."""

from __future__ import annotations

import os
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.sources.source import Listing
from catdog_exp.tracking.ids import is_run_id


def check(config: RunConfig) -> Listing | None:
    """Raise UserError for what can be seen to be wrong before any work is done or anything is made.

    Returns the listing of the pictures, where it had to be made for that.
    """
    check_settings(config)
    return check_source(config)


def check_source(config: RunConfig) -> Listing | None:
    """Raise UserError for what is wrong with where the pictures come from; the listing is that of `check`."""
    return None if set(config.stages) == {"predict"} else config.data.source.check(config.data.classes)


def check_settings(config: RunConfig) -> None:
    """Raise UserError for what is wrong with all else."""
    from catdog_exp.tracking.uris import absolute_uri
    from catdog_exp.training.objective import check_objective

    check_objective(config.objective)
    check_folder("paths.outputs", Path(config.paths.outputs))
    if config.tracking.enabled:
        absolute_uri(config.tracking.uri)
    if "pack" in config.stages and config.data.pack_on == "ray":
        from catdog_exp.packs.ray import check_ray

        check_ray()
    hardware = config.hardware
    if hardware.device == "gpu" or hardware.gpus > 1 or hardware.dtype != "float32":
        from catdog_exp.mx import check_dtype, context

        check_dtype(context(hardware.device, hardware.gpus), hardware.dtype)
    if "train" in config.stages:
        config.model.check_weights(config.data.resize)
    if "train" in config.stages and config.train.init_from is not None:
        _check_weights(config, config.train.init_from)
    if "train" in config.stages and config.train.freeze:
        from catdog_exp.networks.freezing import check_patterns

        check_patterns(config.model, config.data.resize, [str(word) for word in config.train.freeze])
    if "predict" in config.stages:
        pictures = config.predict.pictures
        if pictures is None and not config.data.source.has_test_pictures:
            raise UserError("predict.pictures is not set: give predict.pictures=DIR")
        if pictures is not None and not Path(pictures).exists():
            raise UserError(f"predict.pictures={pictures}: there is no such file or folder")


def _check_weights(config: RunConfig, wanted: str) -> None:
    from catdog_exp.networks.imagenet import IMAGENET, check_imagenet_weights
    from catdog_exp.networks.initial_weights import check_weights

    if wanted == IMAGENET:
        check_imagenet_weights(config.model)
    elif not is_run_id(wanted):
        check_weights(Path(wanted))


def check_folder(key: str, folder: Path) -> None:
    """Raise UserError where the absolute `folder`, that `key` names, cannot be made or written to."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not there.is_dir():
        raise UserError(f"{key}={folder}: {there} is a file, name a folder")
    if not os.access(there, os.W_OK):
        raise UserError(f"{key}={folder}: {there} cannot be written to, name another folder")
