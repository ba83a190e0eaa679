"""Settings of any kind along an axis: numbers to scale, anything else one beside the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from catdog_exp.sweeps.words import exact, shown

LOG_FROM = 20  # numbers of which the greatest is more than so many times the least are drawn by their logarithm
MOST_NAMED = 8  # different numbers that are each named on the axis
MOST_TICKS = 16
APART = 0.06  # of the axis, between two ticks


@dataclass(frozen=True)
class Scale:
    """Where values lie on an axis from 0 to 1, and what is written beside it.

    places: of each value, by its text. is_number: whether distances mean something.
    """

    places: dict[str, float]
    ticks: list[tuple[float, str]]
    is_number: bool

    def place(self, value: Any) -> float:
        """Where `value`, one of those that the scale was made of, lies."""
        return self.places[_key(value)]

    def room(self) -> float:
        """The distance of the two values that are nearest to each other."""
        places = sorted(set(self.places.values()))
        return min((after - before for before, after in pairwise(places)), default=1.0)


def scale_of(values: Sequence[Any]) -> Scale:
    """A scale of all `values`: numbers, text, None, booleans and lists in any mixture.

    Positive numbers over a factor of 20 and more have a logarithmic one.
    """
    different = sorted({_key(value): value for value in values}.values(), key=_order)
    if not different or not all(_is_number(value) for value in different):
        return _beside_each_other(different)
    positive = [value for value in different if value > 0]
    if len(positive) < len(different) <= MOST_NAMED and is_wide(positive):
        return _beside_each_other(different)  # 0, 0.0001, 0.01: neither kind of scale would tell them apart
    return number_scale(different)


def number_scale(values: Sequence[float]) -> Scale:
    """A scale of finite numbers, a logarithmic one for positive ones over a factor of 20 and more."""
    different = sorted(set(values))
    if not different:
        return _beside_each_other([])
    log = is_wide(different)
    first, last = _bent(different[0], log), _bent(different[-1], log)
    places = {_key(value): _share(_bent(value, log), first, last) for value in different}
    named = different if len(different) <= MOST_NAMED else _round_numbers(different[0], different[-1], log)
    ticks: list[tuple[float, str]] = []
    for value in named:
        place = _share(_bent(value, log), first, last)
        if not ticks or place - ticks[-1][0] >= APART:
            ticks.append((place, shown(value)))
    return Scale(places, ticks, is_number=True)


def is_wide(values: Sequence[float]) -> bool:
    """Whether numbers are all positive and so far apart that only their logarithms can be told apart."""
    return bool(values) and min(values) > 0 and max(values) > LOG_FROM * min(values)


def _beside_each_other(values: Sequence[Any]) -> Scale:
    places = {_key(value): _share(place, 0, len(values) - 1) for place, value in enumerate(values)}
    every = -(-len(values) // MOST_TICKS)
    ticks = [(places[_key(value)], shown(value)) for value in values[::every]] if values else []
    return Scale(places, ticks, is_number=False)


def _round_numbers(first: float, last: float, log: bool) -> list[float]:
    from matplotlib.ticker import LogLocator, MaxNLocator

    if log:
        subs = (1.0, 2.0, 5.0) if last < 1_000 * first else (1.0,)
        found = LogLocator(subs=subs, numticks=20).tick_values(first, last)
    else:
        found = MaxNLocator(6).tick_values(first, last)
    return [float(value) for value in found if first <= value <= last]


def _bent(value: float, log: bool) -> float:
    return math.log(value) if log else value


def _share(value: float, first: float, last: float) -> float:
    return (value - first) / (last - first) if last > first else 0.5


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _key(value: Any) -> str:
    return repr(float(value)) if _is_number(value) else exact(value)


def _order(value: Any) -> tuple[int, float, str]:
    """None, then booleans, numbers, lists by their length, anything else by its text."""
    if value is None:
        return 0, 0, ""
    if isinstance(value, bool):
        return 1, value, ""
    if _is_number(value):
        return 2, value, ""
    return (3, len(value), exact(value)) if isinstance(value, list) else (4, 0, exact(value))
