"""Optimizers by name: MXNet's own, with the keys that a user sets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

Rate = Annotated[float, Field(ge=0)]
Momentum = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class Optimizer(ABC):
    """A rule that turns gradients into steps. A subclass is a frozen dataclass, its fields its YAML keys."""

    @abstractmethod
    def create(self, lr: float) -> Any:
        """MXNet's optimizer object, with `lr` as its first learning rate."""


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent with momentum.

    Without Nesterov's variant: MXNet's NAG rounds differently from run to run, by where its memory lies.
    """

    momentum: Momentum
    weight_decay: Rate

    def create(self, lr: float) -> Any:
        from catdog_exp.mx import mx

        return mx.optimizer.SGD(learning_rate=lr, momentum=self.momentum, wd=self.weight_decay)


@dataclass(frozen=True)
class RmsProp(Optimizer):
    """RMSprop (Tieleman and Hinton, 2012); `rho` is the decay of the squared gradient's mean."""

    rho: Momentum
    weight_decay: Rate

    def create(self, lr: float) -> Any:
        from catdog_exp.mx import mx

        return mx.optimizer.RMSProp(learning_rate=lr, gamma1=self.rho, epsilon=1e-7, wd=self.weight_decay)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015)."""

    beta1: Momentum
    beta2: Momentum
    weight_decay: Rate

    def create(self, lr: float) -> Any:
        from catdog_exp.mx import mx

        return mx.optimizer.Adam(learning_rate=lr, beta1=self.beta1, beta2=self.beta2, wd=self.weight_decay)
