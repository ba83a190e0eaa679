"""Optimizers: their keys reach MXNet's rules, and their first steps are those of the papers."""

import numpy as np
import pytest

from catdog_exp.mx import mx
from catdog_exp.training.optimizers import Adam, Optimizer, RmsProp, Sgd


def weights_after(optimizer: Optimizer, gradients: list[float]) -> list[float]:
    """A weight that starts at 1 after each gradient, at a learning rate of 0.1."""
    rule = optimizer.create(0.1)
    weight = mx.nd.array([1.0])
    state = rule.create_state(0, weight)
    found = []
    for gradient in gradients:
        rule.update(0, weight, mx.nd.array([gradient]), state)
        found.append(float(weight.asscalar()))
    return found


def test_sgd_with_momentum():
    optimizer = Sgd(momentum=0.9, weight_decay=0.0)
    assert weights_after(optimizer, [1.0, 1.0]) == pytest.approx([0.9, 0.71])


def test_rmsprop_divides_by_the_root_of_the_squared_gradients_mean():
    optimizer = RmsProp(rho=0.9, weight_decay=0.0)
    first = 1 - 0.1 * 2 / np.sqrt(0.1 * 4)
    second = first - 0.1 * 1 / np.sqrt(0.9 * 0.4 + 0.1 * 1)
    assert weights_after(optimizer, [2.0, 1.0]) == pytest.approx([first, second], rel=1e-5)


def test_adams_first_step_is_the_learning_rate_whatever_the_gradient():
    optimizer = Adam(beta1=0.9, beta2=0.999, weight_decay=0.0)
    assert weights_after(optimizer, [5.0]) == pytest.approx([0.9], rel=1e-4)
    assert weights_after(optimizer, [-0.02]) == pytest.approx([1.1], rel=1e-4)


@pytest.mark.parametrize(
    "kind",
    [
        lambda decay: Sgd(0.0, decay),
        lambda decay: RmsProp(0.9, decay),
        lambda decay: Adam(0.9, 0.999, decay),
    ],
)
def test_weight_decay_draws_a_weight_without_gradient_to_zero(kind):
    assert weights_after(kind(0.0), [0.0]) == [1.0]
    [decayed] = weights_after(kind(0.01), [0.0])
    assert 0 < decayed < 1
