"""The sections `train` and `hardware` of the config: how a network is trained, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from catdog_exp.paths import LocalPath
from catdog_exp.reading import Name
from catdog_exp.training.optimizers import Optimizer
from catdog_exp.training.schedules import Schedule

ClassWeights = Literal["none", "balanced"] | list[Annotated[float, Field(gt=0, le=1_000_000)]]


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. Keys and units: conf/train/default.yaml."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    lr: Annotated[float, Field(gt=0)] | Literal["find"]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    patience: Annotated[int, Field(ge=1)] | None
    max_minutes: Annotated[float, Field(gt=0)] | None
    clip: Annotated[float, Field(gt=0)] | None
    accumulate: Annotated[int, Field(ge=1, le=4096)]
    average: Annotated[float, Field(gt=0, lt=1)] | None
    mirrored: bool
    resume: bool
    checkpoint_minutes: Annotated[float, Field(ge=0)] | None
    init_from: LocalPath | None
    freeze: list[Name | Annotated[int, Field(ge=0)]]
    optimizer: Optimizer
    schedule: Schedule
    class_weights: ClassWeights = "none"
    target: float | None = None
    profile: bool = False


@dataclass(frozen=True)
class HardwareConfig:
    """What a run computes on. Keys: conf/hardware/base.yaml."""

    device: Literal["cpu", "gpu", "auto"]
    batch_size: Annotated[int, Field(ge=1, le=65_536)]
    threads: Annotated[int, Field(ge=1, le=1024)] | None
    gpus: Annotated[int, Field(ge=1, le=64)] = 1
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    rank: Annotated[int, Field(ge=0)] | None = None
    workers: Annotated[int, Field(ge=2, le=1024)] | None = None
    root: Annotated[str, Field(pattern=r"^[\w.-]+:\d{1,5}$")] | None = None

    def __post_init__(self) -> None:
        if self.gpus > 1 and self.device == "cpu":
            raise ValueError(f"gpus={self.gpus}: needs hardware.device=gpu or auto")
        if self.rank is not None and self.workers is not None and self.rank >= self.workers:
            raise ValueError(f"rank={self.rank}: the ranks of {self.workers} workers are 0 to {self.workers - 1}")
