"""How far two settings differ in accuracy, as an interval that holds however often it is looked at.

The claim is about other seeds and other pictures: the mean accuracy that networks trained with a setting, on these
training pictures, have on pictures of the kind of the validation ones. So both the seeds that were tried and the
pictures that they were judged on are samples, crossed with each other: each seed's network is judged on each picture.
What other training pictures would change is not in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

POINTS = 241  # of the grid that a density is kept on
FARTHEST = 8.0  # deviations; what is beyond them never happens
CLOSEST = 0.03  # deviation of a step between two looks that the grid can still tell
# Of the precision that endless seeds would give: what is planned for. The rest would take most of the seeds.
REACHED = 0.8


@dataclass(frozen=True)
class Difference:
    """The second setting's mean accuracy less the first one's, estimated.

    variance: of the estimate. least: what of it is left with endless seeds, by the pictures. freedom: degrees, of the
    variance as an estimate.
    """

    value: float
    variance: float
    least: float
    freedom: float


def difference(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Difference:
    """Compare two settings on the same pictures.

    first, second: seeds × pictures, whether each network was right on each picture; two seeds or more, as many of each.

    Seeds and pictures are crossed random effects, as readers and cases are where several readers judge the same
    X-rays (Dorfman, Berbaum and Metz, 1992; Gallas, 2006). The chance of a single judgement is part of the spread over
    pictures and of that over seeds, and stays in both: an estimate without it is too often too small after few seeds.
    The degrees are Satterthwaite's (1946).
    """
    seeds, pictures = first.shape
    sides = [side.astype(float) for side in (first, second)]
    by_picture = sides[1].mean(axis=0) - sides[0].mean(axis=0)
    over_pictures = by_picture.var(ddof=1) / pictures
    over_seeds = [side.mean(axis=1).var(ddof=1) / seeds for side in sides]
    single = sum(_rest(side) for side in sides) / (seeds * pictures)
    variance = max(over_pictures + sum(over_seeds), 1e-12)
    parts = sum(part**2 for part in over_seeds) / (seeds - 1) + over_pictures**2 / (pictures - 1)
    freedom = variance**2 / parts if parts else math.inf
    least = max(0.0, over_pictures - single)
    return Difference(float(by_picture.mean()), float(variance), float(least), float(freedom))


def _rest(side: NDArray[np.float64]) -> float:
    """The mean square of what neither the seed nor the picture explains."""
    seeds, pictures = side.shape
    rest = side - side.mean(axis=0) - side.mean(axis=1, keepdims=True) + side.mean()
    return float((rest**2).sum() / ((seeds - 1) * (pictures - 1)))


class RepeatedInterval:
    """An interval for a difference that is looked at again after each further seed.

    That it ever misses the true difference, at any of the looks, has a probability of `error` at most, so one may stop
    at whichever look: a repeated confidence interval (Jennison and Turnbull, 1989), whose error is spent in proportion
    to the precision that is reached (Lan and DeMets, 1983). The estimates of two looks are correlated as the square
    root of the ratio of their variances, also with a part of the variance that seeds do not lessen. Quantiles are
    Student's, at the level that the normal bound has (Jennison and Turnbull, 2000, section 11.5).

    low, high: the narrowest interval of any look: one after which the estimate strays more has nothing left to spend.
    is_over: whether further looks would hardly narrow it.
    """

    def __init__(self, error: float, margin: float) -> None:
        """margin: half the length that is narrow enough, at which looking ends too."""
        self.low, self.high = -math.inf, math.inf
        self.is_over = False
        self._error, self._margin = error, margin
        self._spent = 0.0  # of the error
        self._looks = 0
        # Where earlier looks have left the standardized estimate, where there is no true difference.
        self._places = np.zeros(1)
        self._weights = np.ones(1)

    def look(self, found: Difference, seeds: int) -> None:
        """Take the estimate after so many seeds of each setting, which are more than at the look before."""
        reached = 1 / found.variance
        wanted = (stdtrit(found.freedom, 1 - self._error / 2) / self._margin) ** 2
        most = REACHED / found.least if found.least else math.inf
        share = min(1.0, reached / min(wanted, most))
        # As the variances would be with today's estimates of both parts: the last look had fewer seeds.
        by_seeds = max(found.variance - found.least, 1e-12) * seeds
        before = found.least + by_seeds / max(1, seeds - 1)
        ratio = found.variance / before if self._looks else 0.0
        bound = self._bound(math.sqrt(min(ratio, 1 - CLOSEST**2)), max(self._spent, self._error * share))
        tail = ndtr(-bound)
        half = -stdtrit(found.freedom, tail) * math.sqrt(found.variance)
        if 2 * half < self.high - self.low:  # all looks' intervals hold together, so the narrowest does
            self.low, self.high = found.value - half, found.value + half
        self._looks += 1
        self.is_over = share >= 1.0

    def _bound(self, correlation: float, spent: float) -> float:
        """The bound of the standardized estimate at this look, so that by now this much of the error is spent."""
        step = math.sqrt(1 - correlation**2)
        middle = correlation * self._places
        now, low, high = spent - self._spent, 0.0, FARTHEST
        for _ in range(40):
            bound = (low + high) / 2
            outside = ndtr((middle - bound) / step) + ndtr((-bound - middle) / step)
            low, high = (bound, high) if self._weights @ outside > now else (low, bound)
        places = np.linspace(-high, high, POINTS)
        density = np.exp(-0.5 * ((places[:, None] - middle) / step) ** 2) / (step * math.sqrt(2 * math.pi))
        widths = np.full(POINTS, places[1] - places[0])
        widths[[0, -1]] /= 2
        self._weights = (density @ self._weights) * widths
        self._places, self._spent = places, spent
        return high
