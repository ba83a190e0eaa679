"""Optimizers: how gradients become steps, on flat arrays of all parameters at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

Rate = Annotated[float, Field(ge=0)]
Momentum = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class Optimizer(ABC):
    """A rule that turns gradients into steps. A subclass is a frozen dataclass, its fields its YAML keys.

    weight_decay: of the kernels and matrices; biases and normalization have none.
    """

    weight_decay: Rate

    @abstractmethod
    def state(self, weights: Any) -> list[Any]:
        """New arrays that the rule keeps from step to step, for the MXNet array `weights`, shape (total,)."""

    @abstractmethod
    def update(self, weights: Any, gradient: Any, state: list[Any], step: Step) -> None:
        """Change `weights` and `state` in place by one step along the mean `gradient`, shape (total,)."""


@dataclass(frozen=True)
class Step:
    """One step, as an optimizer needs to know it.

    number: counted from 1. lr: learning rate. scale: what the gradient is still to be multiplied by.
    decayed: how many of the numbers, from the start, have weight decay. parameters: where each lies.
    """

    number: int
    lr: float
    scale: float
    decayed: int
    parameters: Sequence[slice]

    def parts(self, weight_decay: float) -> list[tuple[slice, float]]:
        """The two ranges of the flat arrays, each with its weight decay; an empty one is left out."""
        end = self.parameters[-1].stop
        both = [(slice(0, self.decayed), weight_decay), (slice(self.decayed, end), 0.0)]
        return [(part, decay) for part, decay in both if part.start < part.stop]


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent with momentum, or with Nesterov's (Sutskever et al., 2013)."""

    momentum: Momentum
    nesterov: bool

    def state(self, weights: Any) -> list[Any]:
        # With Nesterov's momentum the gradient is taken ahead of the weights: those are kept here.
        return [weights.zeros_like(), weights.copy()] if self.nesterov else [weights.zeros_like()]

    def update(self, weights: Any, gradient: Any, state: list[Any], step: Step) -> None:
        from catdog_exp.mx import mx

        moving, behind = state[0], state[-1] if self.nesterov else weights
        for part, decay in step.parts(self.weight_decay):
            mx.nd.sgd_mom_update(
                behind[part],
                gradient[part],
                moving[part],
                lr=step.lr,
                momentum=self.momentum,
                wd=decay,
                rescale_grad=step.scale,
                out=behind[part],
            )
        if self.nesterov:  # behind + momentum * moving, as one operator
            mx.nd.sgd_update(behind, moving, lr=1.0, wd=0.0, rescale_grad=-self.momentum, out=weights)


@dataclass(frozen=True)
class RmsProp(Optimizer):
    """RMSprop (Tieleman and Hinton, 2012); `rho` is the decay of the squared gradient's mean."""

    rho: Momentum

    def state(self, weights: Any) -> list[Any]:
        return [weights.zeros_like()]

    def update(self, weights: Any, gradient: Any, state: list[Any], step: Step) -> None:
        from catdog_exp.mx import mx

        for part, decay in step.parts(self.weight_decay):
            mx.nd.rmsprop_update(
                weights[part],
                gradient[part],
                state[0][part],
                lr=step.lr,
                gamma1=self.rho,
                epsilon=1e-7,
                wd=decay,
                rescale_grad=step.scale,
                out=weights[part],
            )


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): weight decay is part of the gradient."""

    beta1: Momentum
    beta2: Momentum

    def state(self, weights: Any) -> list[Any]:
        return [weights.zeros_like(), weights.zeros_like()]

    def update(self, weights: Any, gradient: Any, state: list[Any], step: Step) -> None:
        for part, decay in step.parts(self.weight_decay):
            self._moments(weights[part], gradient[part], [kept[part] for kept in state], step, decay)

    def _moments(self, weights: Any, gradient: Any, state: list[Any], step: Step, decay: float) -> None:
        from catdog_exp.mx import mx

        unbiased = (1 - self.beta2**step.number) ** 0.5 / (1 - self.beta1**step.number)
        mx.nd.adam_update(
            weights,
            gradient,
            *state,
            lr=step.lr * unbiased,
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=1e-8,
            wd=decay,
            rescale_grad=step.scale,
            out=weights,
        )


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay beside the gradient, times the learning rate (Loshchilov and Hutter, 2019)."""

    def update(self, weights: Any, gradient: Any, state: list[Any], step: Step) -> None:
        for part, decay in step.parts(self.weight_decay):
            if decay:
                weights[part] *= 1 - step.lr * decay
        self._moments(weights, gradient, state, step, 0.0)


@dataclass(frozen=True)
class Lamb(Adam):
    """LAMB (You et al., 2020): Adam's step, for each parameter as long as its weights are, times the rate."""

    def update(self, weights: Any, gradient: Any, state: list[Any], step: Step) -> None:
        from catdog_exp.mx import mx

        for place in step.parameters:
            own = weights[place]
            direction = mx.nd.lamb_update_phase1(
                own,
                gradient[place],
                *(kept[place] for kept in state),
                beta1=self.beta1,
                beta2=self.beta2,
                epsilon=1e-6,
                t=step.number,
                wd=self.weight_decay if place.start < step.decayed else 0.0,
                rescale_grad=step.scale,
            )
            mx.nd.lamb_update_phase2(own, direction, mx.nd.norm(own), mx.nd.norm(direction), lr=step.lr, out=own)
