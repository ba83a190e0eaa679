"""Which metric, and which way it is better."""

import pytest

from catdog_exp.errors import UserError
from catdog_exp.training.objective import OBJECTIVES, balanced_accuracy, check_objective, is_better, is_minimized


@pytest.mark.parametrize("metric", OBJECTIVES)
def test_every_metric_of_an_epoch_can_be_the_objective(metric):
    check_objective(metric)


def test_another_name_is_refused_with_those_that_can_be_had():
    with pytest.raises(UserError, match=r"^objective=val/acc: must be one of train/loss, .*val/accuracy") as caught:
        check_objective("val/acc")
    assert all(metric in str(caught.value) for metric in OBJECTIVES)


def test_losses_are_minimized_and_all_else_maximized():
    assert [metric for metric in OBJECTIVES if is_minimized(metric)] == ["train/loss", "val/loss"]
    assert is_better("val/loss", 0.5, 0.6)
    assert not is_better("val/loss", 0.6, 0.5)
    assert is_better("val/accuracy", 0.6, 0.5)
    assert not is_better("val/accuracy", 0.5, 0.6)


@pytest.mark.parametrize("metric", ["val/loss", "val/accuracy"])
def test_an_equal_value_is_not_better_and_any_is_better_than_none(metric):
    assert not is_better(metric, 0.5, 0.5)
    assert is_better(metric, 0.5, None)


def test_in_balanced_accuracy_each_class_with_pictures_counts_alike():
    assert balanced_accuracy([90, 2], [90, 10]) == pytest.approx((1.0 + 0.2) / 2)
    assert balanced_accuracy([3, 0, 1], [4, 0, 4]) == pytest.approx((0.75 + 0.25) / 2)
