"""One run of several workers: what they must have alike, and what each of them does."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from catdog_exp.console import mark_console
from catdog_exp.experiment.config import RunConfig, Stage
from catdog_exp.settings import flat
from catdog_exp.training.distributed.process_group import ProcessGroup

log = logging.getLogger(__name__)


def alike(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What all workers of one training must have alike."""
    own = ("hardware.rank", "hardware.root", "hardware.threads", "train.resume")
    sections = {name: settings[name] for name in ("augment", "model", "train", "hardware", "objective")}
    return {name: value for name, value in flat(sections).items() if name not in own}


def part_of(config: RunConfig, workers: ProcessGroup) -> RunConfig:
    """What this worker does of a run: worker 0 alone shows, logs, keeps and evaluates what all of them train."""
    if workers.count > 1:
        mark_console(f"[worker {workers.rank}] ")
    if workers.rank == 0:
        if workers.count > 1 and config.if_exists == "skip":  # the others have come already
            config = dataclasses.replace(config, if_exists="reuse")
        if workers.count > 2:
            log.info("more than two workers add up in no fixed order: the same again ends with slightly other numbers")
        return config
    stages: list[Stage] = [stage for stage in config.stages if stage in ("pack", "train")]
    return dataclasses.replace(config, stages=stages, tracking=dataclasses.replace(config.tracking, enabled=False))
