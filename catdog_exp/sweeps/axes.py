"""Settings of any kind along an axis of Matplotlib's: numbers to scale, anything else one beside the other."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_exp.sweeps.words import exact, shown
from catdog_exp.tables import cut

if TYPE_CHECKING:
    from matplotlib.axis import XAxis, YAxis

LOG_FROM = 20  # positive numbers of which the greatest is more than so many times the least have a logarithmic scale
MOST_NAMED = 8  # different numbers that are each named on the axis
MOST_TICKS = 16
APART = 0.06  # of the axis, between two ticks
ABSENT = "–"  # stands for the value of a key that a job does not have
LONGEST_NAME = 22  # letters of a key
LONGEST_VALUE = 16  # letters beside a tick


def fit_axis(axis: XAxis | YAxis, values: Iterable[Any], margin: float = 0.0) -> dict[str, float]:
    """Give `axis` the scale, ticks and limits for all `values`: numbers, text, None, booleans, lists, mixed or not.

    margin: room before the first and behind the last, as a share of what is between them.
    Returns where each lies, as a share of the axis, by its `key_of`.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    different = ordered(values)
    numbers = np.array(different if are_numbers(different) else range(len(different)), dtype=float)
    if not different:
        axis.set_ticks([])
        return {}
    if are_numbers(different):
        _set_scale(axis, numbers.tolist())
    bend = axis.get_transform()
    bent = bend.transform(numbers)
    room = margin * (bent[-1] - bent[0]) if len(bent) > 1 else 0.5
    first, last = bent[0] - room, bent[-1] + room
    axis.axes.set(**{f"{axis.axis_name}lim": bend.inverted().transform([first, last])})
    shares = (bent - first) / (last - first)
    axis.set_minor_locator(NullLocator())
    if not are_numbers(different):
        every = -(-len(different) // MOST_TICKS)
        axis.set_ticks(numbers[::every], [label(value) for value in different[::every]])
    elif len(different) <= MOST_NAMED and all(after - before >= APART for before, after in pairwise(shares)):
        axis.set_ticks(numbers, [label(value) for value in different])
    else:
        if axis.get_scale() == "linear":
            axis.set_major_locator(MaxNLocator(6))
        elif axis.get_scale() == "log" and numbers[-1] < 1_000 * numbers[0]:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda place, _: label(float(place))))
    return dict(zip(map(key_of, different), shares.tolist(), strict=True))


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether distances between values mean something."""
    return all(_is_number(value) for value in values)


def is_wide(values: Collection[float]) -> bool:
    """Whether numbers are all positive and so far apart that only their logarithms can be told apart."""
    return bool(values) and min(values) > 0 and max(values) > LOG_FROM * min(values)


def ordered(values: Iterable[Any]) -> list[Any]:
    """Each different value once: None, then booleans, numbers, lists by their length, anything else by its text."""
    return sorted({key_of(value): value for value in values}.values(), key=_order)


def key_of(value: Any) -> str:
    """The same for equal values: 1 and 1.0 are."""
    return repr(float(value)) if _is_number(value) else exact(value)


def label(value: Any) -> str:
    """A value beside a tick; Matplotlib is not to take it for a formula."""
    return cut(shown(value), LONGEST_VALUE).replace("$", r"\$")


def _set_scale(axis: XAxis | YAxis, numbers: Sequence[float]) -> None:
    positive = [number for number in numbers if number > 0]
    scale: dict[str, Any] = {"value": "linear"}
    if is_wide(numbers):
        scale = {"value": "log"}
    elif len(numbers) <= MOST_NAMED and numbers[0] == 0 and is_wide(positive):
        # 0, 0.0001, 0.01: no other scale would tell them apart.
        scale = {"value": "symlog", "linthresh": positive[0]}
    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)(**scale)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _order(value: Any) -> tuple[int, float, str]:
    if value is None:
        return 0, 0, ""
    if isinstance(value, bool):
        return 1, value, ""
    if _is_number(value):
        return 2, value, ""
    return (3, len(value), exact(value)) if isinstance(value, list) else (4, 0, exact(value))


def least_distance(shares: Iterable[float]) -> float:
    """Between two different places on an axis, as a share of it; the whole where there is one."""
    return min((after - before for before, after in pairwise(sorted(set(shares)))), default=1.0)
