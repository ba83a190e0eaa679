"""Learning-rate schedules: the factor at each step."""

import pytest

from catdog_exp.training.schedules import Constant, Cosine


def test_constant_is_one_throughout():
    schedule = Constant(warmup_epochs=0.0)
    assert {schedule.factor(step, 30, 10) for step in range(30)} == {1.0}


def test_warm_up_rises_in_equal_steps_over_parts_of_epochs():
    schedule = Constant(warmup_epochs=0.3)
    found = [schedule.factor(step, 30, 10) for step in range(5)]
    assert found == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_cosine_goes_from_one_over_the_middle_towards_its_final_share():
    schedule = Cosine(warmup_epochs=0.0, final=0.1)
    assert schedule.factor(0, 1000, 100) == 1.0
    assert schedule.factor(500, 1000, 100) == pytest.approx(0.55)
    assert schedule.factor(999, 1000, 100) == pytest.approx(0.1, abs=1e-4)


def test_cosine_falls_steadily_after_its_warm_up():
    schedule = Cosine(warmup_epochs=1.0, final=0.0)
    found = [schedule.factor(step, 50, 10) for step in range(50)]
    assert max(found) == found[10] == 1.0
    assert found[:11] == sorted(found[:11])
    assert found[10:] == sorted(found[10:], reverse=True)
    assert min(found) > 0


@pytest.mark.parametrize("schedule", [Constant(warmup_epochs=5.0), Cosine(warmup_epochs=5.0, final=0.0)])
def test_a_run_shorter_than_its_warm_up_only_rises(schedule):
    found = [schedule.factor(step, 3, 1) for step in range(3)]
    assert found == [0.25, 0.5, 0.75]
