"""Jobs that differ in their seed alone, taken together: mean and standard deviation."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SEEDS = ("train.seed", "data.seed")


@dataclass(frozen=True)
class Spread:
    """The objective over several seeds.

    settings: what else differs between the sweep's jobs, with these jobs' values.
    deviation: of the sample (divided by count - 1).
    """

    settings: dict[str, str]
    count: int
    mean: float
    deviation: float

    def line(self, objective: str) -> str:
        """For people: `model.layers=3: val/accuracy 0.7751 ± 0.0058 over 3 seeds`."""
        where = ", ".join(f"{key}={value}" for key, value in self.settings.items()) + ": " * bool(self.settings)
        return f"{where}{objective} {self.mean:.4f} ± {self.deviation:.4f} over {self.count} seeds"


def spreads(jobs: Sequence[tuple[Mapping[str, str], float]]) -> list[Spread]:
    """One for each two or more jobs that are alike but for their seed, in the order of their first ones.

    jobs: each finished one's flat config and its objective.
    """
    keys = sorted({key for params, _ in jobs for key in params} - set(SEEDS))
    differing = [key for key in keys if len({params.get(key) for params, _ in jobs}) > 1]
    groups: dict[tuple[str | None, ...], list[tuple[Mapping[str, str], float]]] = {}
    for params, value in jobs:
        groups.setdefault(tuple(params.get(key) for key in differing), []).append((params, value))
    found = []
    for group in groups.values():
        if len({tuple(params.get(key) for key in SEEDS) for params, _ in group}) < 2:
            continue
        values = [value for _, value in group]
        settings = {key: str(group[0][0].get(key)) for key in differing}
        found.append(Spread(settings, len(values), statistics.mean(values), statistics.stdev(values)))
    return found
