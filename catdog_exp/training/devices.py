"""What computes a batch's slices."""

from __future__ import annotations

import logging
import os
from typing import Any

from catdog_exp.mx import check_dtype, context, features, gpu_problem, side_by_side
from catdog_exp.training.config import HardwareConfig

log = logging.getLogger(__name__)


def devices(hardware: HardwareConfig, pictures: int, slices: int, threads: int) -> tuple[list[Any], int]:
    """MXNet's contexts for batches of so many pictures, and how many of them are to compute at the same time.

    slices: in how many a batch is computed on the processor.
    What these devices cannot do, is logged. Raises UserError when they cannot be used.
    """
    place = context(hardware.device, hardware.gpus)
    check_dtype(place, hardware.dtype)
    contexts = side_by_side(place, slices, min(hardware.gpus, pictures))
    if place.device_type == "gpu":
        log.info("a GPU adds up in no fixed order: the same training again ends with slightly other numbers")
        return contexts, len(contexts)
    if hardware.device == "auto" and ("CUDA" in features() or hardware.gpus > 1):
        log.warning("hardware.device=auto: the processor computes, since %s", gpu_problem(hardware.gpus))
    # With all cores to use, nothing is won by holding slices back.
    return contexts, len(contexts) if threads >= len(os.sched_getaffinity(0)) else threads
