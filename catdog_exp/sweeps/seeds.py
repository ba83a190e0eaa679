"""Jobs that differ in their seed or fold alone, taken together: mean and standard deviation."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catdog_exp.sweeps.words import exact, shown

SEEDS = ("train.seed", "data.seed")
REPEATS = (*SEEDS, "data.fold")  # what makes another sample of the same figure


@dataclass(frozen=True)
class Spread:
    """The objective over several seeds or folds.

    settings: what else differs between the sweep's jobs, with these jobs' values.
    over: what differs within: "seeds", "folds" or "seeds and folds".
    deviation: of the sample (divided by count - 1).
    """

    settings: dict[str, str]
    count: int
    mean: float
    deviation: float
    over: str

    def line(self, objective: str) -> str:
        """For people: `model.layers=3: val/accuracy 0.7751 ± 0.0058 over 3 seeds`."""
        where = ", ".join(f"{key}={value}" for key, value in self.settings.items()) + ": " * bool(self.settings)
        return f"{where}{objective} {self.mean:.4f} ± {self.deviation:.4f} over {self.count} {self.over}"


def spreads(jobs: Sequence[tuple[Mapping[str, Any], float]]) -> list[Spread]:
    """One for each two or more jobs that are alike but for their seed and fold, in the order of their first ones.

    jobs: each finished one's flat config and its objective.
    """
    keys = dict.fromkeys(key for settings, _ in jobs for key in settings if key not in REPEATS)
    differing = [key for key in keys if len({_text(settings, key) for settings, _ in jobs}) > 1]
    groups: dict[tuple[str | None, ...], list[tuple[Mapping[str, Any], float]]] = {}
    for settings, value in jobs:
        groups.setdefault(tuple(_text(settings, key) for key in differing), []).append((settings, value))
    found = []
    for group in groups.values():
        varied = [key for key in REPEATS if len({_text(settings, key) for settings, _ in group}) > 1]
        if not varied:
            continue
        over = dict.fromkeys("seeds" if key in SEEDS else "folds" for key in varied)
        values = [value for _, value in group]
        first = group[0][0]
        where = {key: shown(first[key]) for key in differing if key in first}
        found.append(Spread(where, len(values), statistics.mean(values), statistics.stdev(values), " and ".join(over)))
    return found


def _text(settings: Mapping[str, Any], key: str) -> str | None:
    return exact(settings[key]) if key in settings else None
