"""The typed configuration of a run, whole. Each section lives with its owner; here they are put together.

A section is a frozen dataclass; its fields are the keys that are allowed, its annotations what they may
hold. A swappable part (source, network, optimizer, schedule) names its own dataclass by `_target_`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from catdog_exp.data.config import AugmentConfig
from catdog_exp.networks.network import Network
from catdog_exp.packs.config import DataConfig
from catdog_exp.paths import LocalPath
from catdog_exp.sources.finding import some
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.training.config import HardwareConfig, TrainConfig

Stage = Literal["pack", "preview", "train", "evaluate", "predict"]


@dataclass(frozen=True)
class PredictConfig:
    """What the stage `predict` labels, and with which run's network."""

    pictures: LocalPath | None
    run: Annotated[str, Field(min_length=1)] | None


@dataclass(frozen=True)
class SweepConfig:
    """How the jobs of a sweep are run. Keys and units: conf/sweep/base.yaml."""

    jobs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    job_minutes: Annotated[float, Field(gt=0)] | None = None
    retries: Annotated[int, Field(ge=0, le=100)] = 0
    fail_fast: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class PathsConfig:
    """Folders. Keys: conf/config.yaml."""

    outputs: Annotated[str, Field(min_length=1)]
    cache: LocalPath | None = None
    data: LocalPath | None = None  # to which the sources' own folders refer

    @property
    def cache_folder(self) -> Path:
        """Where what is made once for all outputs lies."""
        from platformdirs import user_cache_path

        return user_cache_path("catdog_exp") if self.cache is None else Path(self.cache)


@dataclass(frozen=True)
class RunConfig:
    """One run, whole."""

    data: DataConfig
    augment: AugmentConfig
    model: Network
    train: TrainConfig
    hardware: HardwareConfig
    tracking: TrackingConfig
    predict: PredictConfig
    paths: PathsConfig
    stages: Annotated[list[Stage], Field(min_length=1)]
    objective: str
    if_exists: Literal["reuse", "resume", "new", "skip"]
    sweep: SweepConfig
    plan: bool = False
    rerun_of: str | None = None  # MLflow id of the run that this one repeats; `catdog rerun` sets it
    chosen: dict[str, str] = field(default_factory=dict)  # the files that make it up, by group of conf/

    def __post_init__(self) -> None:
        size = self.augment.size or self.data.resize
        if size != self.data.resize and not self.model.any_size:
            raise ValueError(
                f"augment.size={size}: this network is for pictures of one size, data.resize={self.data.resize}; "
                "model=fastnet, model=resnet and model=efficientnet_lite take any"
            )
        if self.data.test_ratio == 1 and {"preview", "train"} & set(self.stages):
            raise ValueError(
                f"data.test_ratio=1 leaves no picture to train on: stages={','.join(self.stages)} need some"
            )
        weights, classes = self.train.class_weights, self.data.classes
        if isinstance(weights, list) and len(weights) != len(classes):
            raise ValueError(
                f"train.class_weights={weights}: give one number for each of the {len(classes)} classes "
                f"{some(classes)}, in this order"
            )
        try:
            self.model.check(min(size, self.data.resize))
        except ValueError as error:
            raise ValueError(f"model.{error}") from None
