"""The typed configuration of a run, and the check that a composed YAML config fits it.

A section is a frozen dataclass; its fields are the keys that are allowed, its annotations what they may
hold. A swappable part (source, network, optimizer, schedule) names its own dataclass by `_target_`.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from catdog_exp.errors import UserError, unknown_key
from catdog_exp.networks.network import Network
from catdog_exp.pictures.source import Source
from catdog_exp.training.optimizers import Optimizer
from catdog_exp.training.schedules import Schedule

# One line of text that neither starts nor ends with a space.
Name = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]
Stage = Literal["pack", "preview", "train", "evaluate", "predict"]
Section = TypeVar("Section")


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


def read(section: type[Section], values: Mapping[str, Any], where: str = "") -> Section:
    """The mapping `values` as an instance of the dataclass `section`, checked to the last key.

    A field whose type is a dataclass is read from a nested mapping; `_target_` in a mapping names a
    subclass to be read instead. `where` is the dotted key of the section, for messages.

    Raises UserError, one line: an unknown key (with the nearest known one), a missing one, a wrong type
    or value (naming what is allowed), a `_target_` that cannot be imported or is of the wrong kind.
    """
    values = dict(values)
    if "_target_" in values:
        section = _class_at(values.pop("_target_"), section, _join(where, "_target_"))
    kinds = typing.get_type_hints(section, include_extras=True)
    fields = {field.name: field for field in dataclasses.fields(section)}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise UserError(unknown_key(_join(where, str(key)), [_join(where, name) for name in fields]))
    read_values = {}
    for name, field in fields.items():
        key = _join(where, name)
        if values.get(name, "???") != "???":
            read_values[name] = _value(kinds[name], values[name], key)
        elif values.get(name) == "???" or field.default is dataclasses.MISSING:
            raise UserError(f"{key} is not set: give {key}=VALUE")
    try:
        return section(**read_values)
    except ValueError as error:
        raise UserError(_join(where, str(error))) from None


_FINITE = ConfigDict(allow_inf_nan=False)


def _value(kind: Any, value: Any, key: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise UserError(f"{key}={value}: this is a section, set one of its keys or choose its file by name")
        return read(typing.cast("type[Any]", kind), value, key)
    try:
        return TypeAdapter(kind, config=_FINITE).validate_python(value, strict=True)
    except ValidationError as error:
        reasons = dict.fromkeys(problem["msg"].removeprefix("Input ") for problem in error.errors())
        raise UserError(f"{key}={value!r}: {', or '.join(reasons)}") from None


def _class_at(path: Any, base: type[Section], key: str) -> type[Section]:
    module, _, name = str(path).rpartition(".")
    here = str(Path.cwd())
    if here not in sys.path:  # a console script does not search where it is started; a user's own class lies there
        sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{key}={path}: cannot be imported ({error})") from None
    fits = isinstance(found, type) and issubclass(found, base) and dataclasses.is_dataclass(found)
    if not fits or inspect.isabstract(found):
        raise UserError(f"{key}={path}: must name a dataclass that extends {base.__module__}.{base.__name__}")
    return typing.cast("type[Section]", found)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
