"""Which setting is the best, from what simulated networks are right on."""

import re

import numpy as np
import pytest

from benchmarks.answer import POINTS_3, compared
from catdog_exp.sweeps.answer_interval import Difference, RepeatedInterval, difference
from catdog_exp.sweeps.answer_race import Race, in_words

LAYERS = [{"model.layers": 2}, {"model.layers": 3}]


def raced(accuracies, apart=0, most=40, stray=1):
    """Settings on 1,000 pictures. apart: how many each is wrong on that the one before it is right on.

    most: seeds. stray: pictures more that every second seed's network is right on.
    """
    race = Race(len(accuracies), confidence=0.95, margin=0.005)
    for seeds in range(1, most + 1):
        sides = {}
        for side in race.wanted():
            sides[side] = np.zeros((seeds, 1000), dtype=bool)
            for seed in range(seeds):
                first = apart * side
                sides[side][seed, first : first + round(accuracies[side] * 1000) + seed % 2 * stray] = True
        if not sides:
            break
        race.look(sides)
    return race


def test_what_is_not_there_is_seldom_claimed_and_what_is_there_is_mostly_found():
    rng = np.random.default_rng(0)
    same = [compared(rng, 400, [0.0, 0.0]) for _ in range(8)]
    assert sum(len(each.left) == 1 for each in same) <= 1
    apart = [compared(rng, 1000, [0.0, 1.5 * POINTS_3]) for _ in range(15)]
    assert sum(each.left == [1] for each in apart) >= 14
    assert sum(each.left == [0] for each in apart) == 0


def test_the_variance_is_at_least_that_of_other_seeds_and_other_pictures():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        ease = rng.normal(0, 1, 200)
        sides = [
            np.array([ease + own + rng.normal(0, 0.2) + rng.normal(0, 0.5, 200) > 0 for _ in range(4)])
            for own in rng.normal(0, 0.5, (2, 200))
        ]
        found.append(difference(*sides))
    true = np.var([each.value for each in found])
    assert true < np.mean([each.variance for each in found]) < 1.6 * true
    assert 0 < np.mean([each.least for each in found]) < true


def test_looking_again_makes_the_interval_wider_than_one_look_would():
    rng = np.random.default_rng(2)
    right = [rng.random((20, 1000)) < 0.7 for _ in range(2)]
    often, once = RepeatedInterval(0.05, 0.005), RepeatedInterval(0.05, 0.005)
    for seeds in range(3, 21):
        found = difference(right[0][:seeds], right[1][:seeds])
        often.look(found, seeds)
    once.look(found, 20)
    assert 1.05 < (often.high - often.low) / (once.high - once.low) < 1.6


def test_a_look_that_tells_less_leaves_the_interval_as_it_was():
    interval = RepeatedInterval(0.05, 0.005)
    interval.look(Difference(0.01, 1e-4, 1e-5, 10.0), 3)
    before = interval.low, interval.high
    interval.look(Difference(0.02, 2e-4, 1e-5, 10.0), 4)  # the fourth seed strayed far from the others
    assert (interval.low, interval.high) == before
    interval.look(Difference(0.02, 2e-5, 1e-5, 20.0), 20)
    assert interval.high - interval.low < before[1] - before[0]


def test_a_setting_that_is_out_gets_no_more_seeds():
    race = raced([0.3, 0.700, 0.708], apart=30, stray=20)
    assert race.left() == [1, 2]
    assert race.seeds[0] < race.seeds[1] == race.seeds[2]
    assert race.interval(1, 0)[0] > 0.3
    assert race.best() == 2


@pytest.mark.parametrize(
    ("accuracies", "apart", "sentence"),
    [
        (
            [0.5, 0.7],
            0,
            r"3 layers are better than 2 by 1\d\.\d to 2\d\.\d points of validation accuracy \(95 %\), 3 s",
        ),
        ([0.7, 0.5], 0, r"2 layers are better than 3 by "),
        (
            [0.700, 0.701],
            0,
            r"3 layers are as good as 2 \(-0\.\d to 0\.\d points\) within 0.5 points of validation acc",
        ),
        ([0.700, 0.708], 30, r"3 layers are not distinguishable from 2 \(.*; more seeds would hardly tell more, more "),
    ],
)
def test_the_answer_in_a_sentence(accuracies, apart, sentence):
    race = raced(accuracies, apart)
    assert race.wanted() == []
    told = in_words(race, LAYERS, 0.95, 240.0)
    assert re.match(sentence, told), told
    assert ", 4 min" in told


def test_the_best_of_several_with_what_is_not_distinguishable_from_it():
    settings = [{"model": name} for name in ("cnn", "resnet", "fastnet")]
    told = in_words(raced([0.3, 0.700, 0.708], apart=30), settings, 0.95, 59.0)
    assert told.startswith("model=fastnet is better than cnn by ")
    assert "; not distinguishable from resnet (" in told


def test_before_it_is_sure_it_says_that_it_goes_on():
    assert "no answer yet: 2 seeds each, of 3 at least" in in_words(raced([0.6, 0.7], most=2), LAYERS, 0.95, 9.0)
    assert in_words(raced([0.700, 0.708], 30, most=3, stray=20), LAYERS, 0.95, 9.0).endswith(
        "; the same command goes on"
    )
