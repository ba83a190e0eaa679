"""Learning-rate schedules: the factor at each step."""

import pytest

from catdog_exp.training.schedules import Constant, Cosine, OneCycle, Polynomial, Steps


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


def test_steps_multiply_the_rate_at_their_parts_of_the_run():
    schedule = Steps(warmup_epochs=0.0, at=[0.5, 0.75], factor_each=0.1)
    found = [schedule.factor(step, 8, 2) for step in range(8)]
    assert found == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])


def test_a_polynomial_of_power_one_is_a_straight_line_after_the_warm_up():
    schedule = Polynomial(warmup_epochs=1.0, power=1.0, final=0.2)
    found = [schedule.factor(step, 10, 2) for step in range(10)]
    assert found == pytest.approx([1 / 3, 2 / 3, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])


def test_a_higher_power_falls_sooner():
    schedule = Polynomial(warmup_epochs=0.0, power=2.0, final=0.0)
    assert [schedule.factor(step, 4, 1) for step in range(4)] == pytest.approx([1, 9 / 16, 1 / 4, 1 / 16])


def test_one_cycle_rises_to_the_rate_and_falls_to_its_final_share():
    schedule = OneCycle(warmup_epochs=0.0, first=0.1, rise=0.25, final=0.01)
    found = [schedule.factor(step, 1000, 100) for step in range(1000)]
    assert found[0] == pytest.approx(0.1)
    assert found[125] == pytest.approx(0.55)
    assert max(found) == found[250] == pytest.approx(1.0)
    assert found[625] == pytest.approx(0.505)
    assert found[999] == pytest.approx(0.01, abs=1e-4)
    assert found[:251] == sorted(found[:251])
    assert found[250:] == sorted(found[250:], reverse=True)


@pytest.mark.parametrize("schedule", [Constant(warmup_epochs=5.0), Cosine(warmup_epochs=5.0, final=0.0)])
def test_a_run_shorter_than_its_warm_up_only_rises(schedule):
    found = [schedule.factor(step, 3, 1) for step in range(3)]
    assert found == [0.25, 0.5, 0.75]
