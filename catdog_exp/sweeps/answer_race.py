"""Settings that are compared seed by seed until it is sure which is the best, or that no more seeds would tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.sweeps.answer_interval import RepeatedInterval, difference
from catdog_exp.sweeps.words import briefly, shown

FIRST_LOOK = 3  # seeds of each setting; of fewer no spread can be told


class Race:
    """Which of several settings are worth further seeds.

    Each two of them have an interval that holds at every look, all intervals together with the probability
    `confidence` (Bonferroni's correction). A setting that is surely worse than another is out; two that surely differ
    by less than `margin`, or whose interval would hardly get narrower, need no more seeds for each other.

    seeds: of each setting, at the newest look it took part in. means: its accuracy then. margin: of accuracy, 0..1.
    """

    def __init__(self, sides: int, confidence: float, margin: float) -> None:
        """sides: how many settings, two or more."""
        pairs = list(combinations(range(sides), 2))
        self.seeds = [0] * sides
        self.means = [0.0] * sides
        self.margin = margin
        self._intervals = {pair: RepeatedInterval((1 - confidence) / len(pairs), margin) for pair in pairs}

    def interval(self, better: int, other: int) -> tuple[float, float]:
        """By how much more accurate `better` is than `other`, from and to."""
        if better > other:
            found = self._intervals[other, better]
            return found.low, found.high
        found = self._intervals[better, other]
        return -found.high, -found.low

    def is_worse(self, side: int, other: int) -> bool:
        """Whether `side` is surely worse than `other`."""
        return self.interval(other, side)[0] > 0

    def is_alike(self, side: int, other: int) -> bool:
        """Whether the two surely differ by less than the margin."""
        low, high = self.interval(side, other)
        return -self.margin < low and high < self.margin

    def left(self) -> list[int]:
        """The settings that may be the best."""
        sides = range(len(self.seeds))
        return [side for side in sides if not any(self.is_worse(side, other) for other in sides if other != side)]

    def wanted(self) -> list[int]:
        """The settings that are to have another seed, none once all is told."""
        left = self.left()
        return [side for side in left if any(self._is_open(side, other) for other in left if other != side)]

    def best(self) -> int:
        """The most accurate of those that may be the best."""
        return max(self.left(), key=lambda side: self.means[side])

    def look(self, judged: Mapping[int, NDArray[np.bool_]]) -> None:
        """Take what the networks of each wanted setting were right on: seeds × pictures, one seed more than before."""
        for side, right in judged.items():
            self.seeds[side], self.means[side] = len(right), float(right.mean())
        opened = [pair for pair in self._intervals if set(pair) <= set(judged) and self._is_open(*pair)]
        for one, two in opened:
            if len(judged[one]) >= FIRST_LOOK:
                self._intervals[one, two].look(difference(judged[one], judged[two]), len(judged[one]))

    def _is_open(self, one: int, two: int) -> bool:
        interval = self._intervals[min(one, two), max(one, two)]
        return not (interval.is_over or self.is_alike(one, two) or self.is_worse(one, two) or self.is_worse(two, one))


def in_words(race: Race, settings: Sequence[Mapping[str, Any]], confidence: float, seconds: float) -> str:
    """What the race has told, in one sentence: `3 layers are better than 2 by 1.9 to 3.4 points of …`.

    settings: what each has other than the others, by key. seconds: that it took.
    """
    best = race.best()
    others = [side for side in range(len(settings)) if side != best]
    name = _name(settings[best])
    count = f"{min(race.seeds)} to {max(race.seeds)}" if len(set(race.seeds)) > 1 else str(race.seeds[0])
    if min(race.seeds) < FIRST_LOOK:
        return f"no answer yet: {count} seeds each, of {FIRST_LOOK} at least; the same command goes on"
    worse = [side for side in others if race.is_worse(side, best)]
    out = [side for side in others if side not in worse and side not in race.left()]
    close = [side for side in others if side not in worse and side not in out]
    how = f"validation accuracy ({100 * confidence:g} %), {count} seeds each, {briefly(seconds)}"
    by = [f"{_short(settings[side], settings[best])} by {_points(race.interval(best, side))}" for side in worse]
    near = [f"{_short(settings[side], settings[best])} ({_points(race.interval(best, side))} points)" for side in close]
    if not close:
        line = f"{name} better than {_and(by)} points of {how}"
    elif worse:
        line = f"{name} better than {_and(by)} points of {how}; not distinguishable from {_and(near)}"
    elif all(race.is_alike(best, side) for side in close):
        line = f"{name} as good as {_and(near)} within {_number(race.margin)} points of {how}"
    else:
        line = f"{name} not distinguishable from {_and(near)} in {how}"
    if out:
        line += f"; surely not the best: {_and([_short(settings[side], settings[best]) for side in out])}"
    if race.wanted():
        return f"{line}; the same command goes on"
    unsure = [side for side in close if not race.is_alike(best, side)]
    return line + "; more seeds would hardly tell more, more validation pictures would" * bool(unsure)


def _name(settings: Mapping[str, Any]) -> str:
    """`3 layers are`, `model=resnet is`."""
    if len(settings) == 1:
        ((key, value),) = settings.items()
        word = key.rpartition(".")[2]
        if word.endswith("s") and _is_number(value):
            return f"1 {word[:-1]} is" if value == 1 else f"{shown(value)} {word} are"
    return " ".join(f"{key}={shown(value)}" for key, value in settings.items()) + " is"


def _short(settings: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """The value alone, where it is of the same single key."""
    if len(settings) == 1 and settings.keys() == best.keys():
        return shown(next(iter(settings.values())))
    return " ".join(f"{key}={shown(value)}" for key, value in settings.items())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _points(interval: tuple[float, float]) -> str:
    return f"{_number(interval[0])} to {_number(interval[1])}"


def _number(share: float) -> str:
    points = 100 * share
    return f"{points:.1f}" if abs(points) >= 0.05 else f"{points:.1g}"


def _and(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1])] * (len(parts) > 1) + list(parts[-1:]))
