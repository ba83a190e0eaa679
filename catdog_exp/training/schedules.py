"""Learning-rate schedules: stateless, the step comes in and the rate goes out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Epochs = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class Schedule(ABC):
    """How the learning rate goes over a run. A subclass is a frozen dataclass; its fields are its YAML keys.

    warmup_epochs: the rate rises linearly from nearly 0 over so many epochs (parts count too).
    """

    warmup_epochs: Epochs

    def factor(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """What the base rate is multiplied by at `step` of `steps` (counted from 0), in 0..1."""
        warmup = min(round(self.warmup_epochs * steps_per_epoch), steps)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return self.decay((step - warmup) / max(1, steps - warmup))

    @abstractmethod
    def decay(self, done: float) -> float:
        """The factor after warm-up, when the part `done` (0 up to, not including, 1) of the steps is done."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate throughout."""

    def decay(self, done: float) -> float:  # noqa: ARG002 - a constant needs no progress
        return 1.0


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine down to `final` times the base rate (Loshchilov and Hutter, 2017)."""

    final: Annotated[float, Field(ge=0, le=1)]

    def decay(self, done: float) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class Steps(Schedule):
    """The rate times `factor_each` whenever one of the parts `at` of the run is done (0.5: half of it)."""

    at: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)]
    factor_each: Annotated[float, Field(gt=0, le=1)]

    def decay(self, done: float) -> float:
        return self.factor_each ** sum(done >= part for part in self.at)


@dataclass(frozen=True)
class Polynomial(Schedule):
    """Down to `final` times the base rate, along (1 - done) to the power of `power`; 1 is a straight line."""

    power: Annotated[float, Field(gt=0)]
    final: Annotated[float, Field(ge=0, le=1)]

    def decay(self, done: float) -> float:
        return self.final + (1 - self.final) * math.pow(1 - done, self.power)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """From `first` times the base rate up to it and down to `final` times it, along half cosines (Smith, 2018).

    rise: the part of the run in which the rate goes up.
    """

    first: Annotated[float, Field(ge=0, le=1)]
    rise: Annotated[float, Field(gt=0, lt=1)]
    final: Annotated[float, Field(ge=0, le=1)]

    def decay(self, done: float) -> float:
        if done < self.rise:
            start, end, part = self.first, 1.0, done / self.rise
        else:
            start, end, part = 1.0, self.final, (done - self.rise) / (1 - self.rise)
        return end + (start - end) * (1 + math.cos(math.pi * part)) / 2
