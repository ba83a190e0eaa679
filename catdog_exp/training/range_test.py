"""The learning-rate range test: steps at ever higher rates, and the rate that follows from how the loss goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError

FIRST, LAST = 1e-6, 10.0
STEPS = 120
DIVERGED = 3.0  # times the least loss: nothing is to be learned from higher rates
DECLINE = 0.9  # share of the way from the largest loss to the least
SMOOTHED = 0.9  # share of the loss until then in the running mean

Curve = list[list[float]]  # of each step in order: its rate, and the mean loss before it


def range_test(step: Callable[[float], float]) -> Curve:
    """The curve of a range test (Smith, 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3).

    The rates grow by the same factor from step to step, and end where the loss explodes.
    step: does one at this rate, and gives the mean loss of its pictures before it.
    """
    curve: Curve = []
    for rate in np.geomspace(FIRST, LAST, STEPS).tolist():
        loss = step(rate)
        if not math.isfinite(loss):
            break
        curve.append([rate, loss])
        means = smoothed(curve)
        if means[-1] > DIVERGED * means.min():
            break
    return curve


def smoothed(curve: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """The running mean of the losses, whose start counts no more than what follows; shape (steps,)."""
    mean, means = 0.0, []
    for number, (_, loss) in enumerate(curve, 1):
        mean = SMOOTHED * mean + (1 - SMOOTHED) * loss
        means.append(mean / (1 - SMOOTHED**number))
    return np.array(means)


def found_rate(curve: Curve) -> float:
    """The rate to train with, two digits: that at which the loss has gone down nine tenths of the way to its least.

    The least loss itself lies where training is about to become unstable: a run of many epochs wants less than that.
    Raises UserError where the loss goes down at no rate.
    """
    means = smoothed(curve)
    least = int(means.argmin()) if len(means) else 0
    most = means[: least + 1].max(initial=-math.inf)
    if least == 0 or math.isclose(most, means[least]):
        raise UserError(
            f"train.lr=find: the loss goes down at no rate from {FIRST:g} to {LAST:g}; give train.lr=NUMBER"
        )
    done = means[: least + 1] <= most - DECLINE * (most - means[least])
    done[: int(means[: least + 1].argmax())] = False
    return float(f"{curve[int(done.argmax())][0]:.2g}")
