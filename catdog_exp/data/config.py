"""The section `augment` of the config: what training changes in a picture."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

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
    views: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @property
    def versions(self) -> int | None:
        """How many versions of each picture there are to train on; None where each epoch draws or mixes new ones."""
        if self.mixup or self.cutmix:
            return None
        unchanged = dataclasses.replace(self, label_smoothing=0.0, size=None, views=None) == AugmentConfig()
        return 1 if unchanged else self.views

    def __post_init__(self) -> None:
        for name in ("scale", "aspect"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}={[low, high]}: the first number must not be above the second")
