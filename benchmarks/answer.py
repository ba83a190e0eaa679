"""How often `catdog answer` claims what is not true, and how often it finds what is, on simulated trainings.

    uv run python benchmarks/answer.py [--cases 1000] [--pictures 1000] [--settings 2]

In each case the settings are new and so are the pictures: a picture is as hard for all settings alike, and besides
that for each one on its own; each seed's network is as good as its setting, a little better or worse as a whole, and
on each picture. So the accuracy that a validation measures strays by about one point from seed to seed, and two
networks of a setting disagree on every tenth picture, as those of the default config do on 1,000 photographs. The
settings are compared by the code that `catdog answer` uses. Prints how often one was called better than another where
all are equally good on the pictures in general, and how often the better one of two was found that are 3 points apart,
with the seeds of each that it took.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catdog_exp.sweeps.answer_race import Race

# How good a network is on a picture, which it is right on above 0.
ACCURACY = 1.245  # in the mean: right on 0.74 of all pictures
ALIKE, OWN = 1.8, 0.5  # deviations of the pictures' ease: for all settings, and for one
SEED, SINGLE = 0.05, 0.5  # of the networks of a setting: as a whole, and on a single picture
POINTS_3 = 0.185  # makes 3 points of accuracy there
MOST = 100  # seeds


@dataclass(frozen=True)
class Ended:
    """How a comparison ended. left: the settings that may be the best. seeds: of each setting, the most."""

    left: list[int]
    seeds: int


def compared(rng: np.random.Generator, pictures: int, gaps: list[float], confidence: float = 0.95) -> Ended:
    """Compare settings whose networks are so much better than those of the first, seed by seed."""
    hardness = rng.normal(0, ALIKE, pictures)
    settings = [hardness + rng.normal(0, OWN, pictures) + ACCURACY + gap for gap in gaps]
    race = Race(len(gaps), confidence, margin=0.005)
    right: list[list[NDArray[np.bool_]]] = [[] for _ in gaps]
    while wanted := race.wanted():
        for side in wanted:
            network = settings[side] + rng.normal(0, SEED) + rng.normal(0, SINGLE, pictures)
            right[side].append(network > 0)
        race.look({side: np.array(right[side]) for side in wanted})
        if max(race.seeds) >= MOST:
            break
    return Ended(race.left(), max(race.seeds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--settings", type=int, default=2)
    chosen = parser.parse_args()
    for name, gaps in (
        ("no difference", [0.0] * chosen.settings),
        ("3 points between the best and the others", [0.0] * (chosen.settings - 1) + [POINTS_3]),
    ):
        rng = np.random.default_rng(0)
        ended = [compared(rng, chosen.pictures, gaps) for _ in range(chosen.cases)]
        best = chosen.settings - 1
        claimed = sum(len(each.left) < chosen.settings for each in ended)
        found = sum(each.left == [best] for each in ended)
        wrong = sum(best not in each.left for each in ended)
        seeds = [each.seeds for each in ended]
        print(
            f"{name}: of {chosen.cases} cases a difference is claimed in {claimed}, the last setting alone is left in "
            f"{found} and out in {wrong}; seeds: median {statistics.median(seeds):g}, at most {max(seeds)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
