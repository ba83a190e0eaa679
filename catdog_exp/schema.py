"""The typed configuration of a run.

A section is a frozen dataclass; its fields are the keys that are allowed, its annotations what they may
hold. A swappable part (source, network, optimizer, schedule) names its own dataclass by `_target_`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from catdog_exp.networks.network import Network
from catdog_exp.pictures.source import Source
from catdog_exp.training.optimizers import Optimizer
from catdog_exp.training.schedules import Schedule

# One line of text that neither starts nor ends with a space.
Name = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]
Stage = Literal["pack", "preview", "train", "evaluate", "predict"]


@dataclass(frozen=True)
class DataConfig:
    """Which pictures, and how they are packed. Keys and units: conf/data/base.yaml."""

    source: Source
    classes: Annotated[list[Name], Field(min_length=2)]
    split_ratio: Annotated[float, Field(gt=0, lt=1)]
    resize: Annotated[int, Field(ge=8, le=1024)]
    quality: Annotated[int, Field(ge=1, le=100)]
    threads: Annotated[int, Field(ge=1, le=256)]
    seed: Annotated[int, Field(ge=0)]
    shards: Annotated[int, Field(ge=1, le=4096)] = 1
    pack_on: Literal["threads", "ray"] = "threads"
    repack: bool = False
    root: str | None = None
    max_rejects: Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, le=1)] | None = None

    def __post_init__(self) -> None:
        if len({name.lower() for name in self.classes}) < len(self.classes):
            raise ValueError(f"classes: a name stands twice in {self.classes}")


Share = Annotated[float, Field(ge=0, le=1)]
Alpha = Annotated[float, Field(ge=0, le=100)]
Range = Annotated[list[Annotated[float, Field(ge=0.05, le=20)]], Field(min_length=2, max_length=2)]


@dataclass(frozen=True)
class AugmentConfig:
    """What training changes in a picture; as it stands here, nothing. Keys and units: conf/augment/base.yaml."""

    random_crop: bool = False
    pad: Annotated[int, Field(ge=0, le=64)] = 0
    flip: Literal["none", "random", "alternating"] = "none"
    scale: Range = dataclasses.field(default_factory=lambda: [1.0, 1.0])
    aspect: Range = dataclasses.field(default_factory=lambda: [1.0, 1.0])
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    brightness: Share = 0.0
    contrast: Share = 0.0
    saturation: Share = 0.0
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    cutout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    mixup: Alpha = 0.0
    cutmix: Alpha = 0.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    size: Annotated[int, Field(ge=8, le=1024)] | None = None

    def __post_init__(self) -> None:
        for name in ("scale", "aspect"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}={[low, high]}: the first number must not be above the second")


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. Keys and units: conf/train/default.yaml."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    lr: Annotated[float, Field(gt=0)]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    patience: Annotated[int, Field(ge=1)] | None
    max_minutes: Annotated[float, Field(gt=0)] | None
    clip: Annotated[float, Field(gt=0)] | None
    accumulate: Annotated[int, Field(ge=1, le=4096)]
    average: Annotated[float, Field(gt=0, lt=1)] | None
    mirrored: bool
    resume: bool
    checkpoint_minutes: Annotated[float, Field(ge=0)] | None
    init_from: Annotated[str, Field(min_length=1)] | None
    freeze: list[Name | Annotated[int, Field(ge=0)]]
    optimizer: Optimizer
    schedule: Schedule


@dataclass(frozen=True)
class HardwareConfig:
    """What a run computes on. Keys: conf/hardware/base.yaml."""

    device: Literal["cpu", "gpu", "auto"]
    batch_size: Annotated[int, Field(ge=1, le=65_536)]
    threads: Annotated[int, Field(ge=1, le=1024)] | None
    gpus: Annotated[int, Field(ge=1, le=64)] = 1
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    kvstore: Literal["local", "dist_sync"] = "local"
    rank: Annotated[int, Field(ge=0)] | None = None
    workers: Annotated[int, Field(ge=2, le=1024)] | None = None
    root: Annotated[str, Field(pattern=r"^[\w.-]+:\d{1,5}$")] | None = None

    def __post_init__(self) -> None:
        if self.gpus > 1 and self.device == "cpu":
            raise ValueError(f"gpus={self.gpus}: needs hardware.device=gpu or auto")
        if self.kvstore == "local":
            return
        for name in ("rank", "workers", "root"):
            if getattr(self, name) is None:
                raise ValueError(
                    f"{name} is not set: with hardware.kvstore=dist_sync give hardware.{name}=VALUE, "
                    f"or set CATDOG_{name.upper()}"
                )
        if self.rank is not None and self.workers is not None and self.rank >= self.workers:
            raise ValueError(f"rank={self.rank}: the ranks of {self.workers} workers are 0 to {self.workers - 1}")


@dataclass(frozen=True)
class TrackingConfig:
    """Where runs are logged. Keys: conf/tracking/mlflow.yaml."""

    enabled: bool
    uri: str
    experiment: Name
    artifacts: str | None
    parent_run: str | None


@dataclass(frozen=True)
class PredictConfig:
    """What the stage `predict` labels, and with which run's network."""

    pictures: str | None
    run: str | None


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
    """Folders, absolute."""

    outputs: Annotated[str, Field(min_length=1)]


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

    def __post_init__(self) -> None:
        size = self.augment.size or self.data.resize
        if size != self.data.resize and not self.model.any_size:
            raise ValueError(
                f"augment.size={size}: this network is for pictures of one size, data.resize={self.data.resize}; "
                "model=fastnet and model=resnet take any"
            )
        try:
            self.model.check(min(size, self.data.resize))
        except ValueError as error:
            raise ValueError(f"model.{error}") from None
