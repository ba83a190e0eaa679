"""Optimizers: their first steps are those of the papers, and weight decay is for kernels and matrices alone."""

import numpy as np
import pytest

from catdog_exp.mx import mx
from catdog_exp.training.optimizers import Adam, AdamW, Lamb, Optimizer, RmsProp, Sgd, Step

LR = 0.1


def weights_after(optimizer: Optimizer, gradients: list[float], first: float = 1.0, decayed: int = 1) -> list[float]:
    """A weight that starts at `first` after each gradient; `decayed` 0: a bias."""
    weights = mx.nd.array([first])
    state = optimizer.state(weights)
    found = []
    for number, gradient in enumerate(gradients, 1):
        # Half of twice the gradient: what is scaled is scaled before all else.
        step = Step(number, LR, scale=0.5, decayed=decayed, parameters=[slice(0, 1)])
        optimizer.update(weights, mx.nd.array([2 * gradient]), state, step)
        found.append(float(weights.asscalar()))
    return found


def test_sgd_with_momentum():
    optimizer = Sgd(momentum=0.9, nesterov=False, weight_decay=0.0)
    assert weights_after(optimizer, [1.0, 1.0]) == pytest.approx([0.9, 0.71])


def test_nesterovs_momentum_looks_ahead():
    # As in PyTorch: v = 0.9 v + g, w = w - lr (g + 0.9 v), from v = 0.
    velocity, weight, expected = 0.0, 1.0, []
    for gradient in (1.0, -0.5, 2.0):
        velocity = 0.9 * velocity + gradient
        weight -= LR * (gradient + 0.9 * velocity)
        expected.append(weight)
    optimizer = Sgd(momentum=0.9, nesterov=True, weight_decay=0.0)
    assert weights_after(optimizer, [1.0, -0.5, 2.0]) == pytest.approx(expected)


def test_rmsprop_divides_by_the_root_of_the_squared_gradients_mean():
    optimizer = RmsProp(rho=0.9, weight_decay=0.0)
    first = 1 - LR * 2 / np.sqrt(0.1 * 4)
    second = first - LR * 1 / np.sqrt(0.9 * 0.4 + 0.1 * 1)
    assert weights_after(optimizer, [2.0, 1.0]) == pytest.approx([first, second], rel=1e-5)


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adams_first_step_is_the_learning_rate_whatever_the_gradient(kind):
    optimizer = kind(beta1=0.9, beta2=0.999, weight_decay=0.0)
    assert weights_after(optimizer, [5.0]) == pytest.approx([0.9], rel=1e-4)
    assert weights_after(optimizer, [-0.02]) == pytest.approx([1.1], rel=1e-4)


def test_adams_second_step_is_unbiased_too():
    mean = (0.1 * 2 * 0.9 + 0.1 * 1) / (1 - 0.9**2)
    crops = (0.001 * 4 * 0.999 + 0.001 * 1) / (1 - 0.999**2)
    second = 1 - LR - LR * mean / np.sqrt(crops)
    assert weights_after(Adam(0.0, 0.9, 0.999), [2.0, 1.0])[1] == pytest.approx(second, rel=1e-4)


def test_adamws_decay_is_beside_the_gradient():
    optimizer = AdamW(beta1=0.9, beta2=0.999, weight_decay=0.5)
    assert weights_after(optimizer, [5.0]) == pytest.approx([1 - LR * 0.5 - LR], rel=1e-4)


def test_lambs_step_is_as_long_as_the_weights_are_times_the_rate():
    optimizer = Lamb(beta1=0.9, beta2=0.999, weight_decay=0.0)
    assert weights_after(optimizer, [5.0], first=2.0) == pytest.approx([2 - LR * 2], rel=1e-4)
    assert weights_after(optimizer, [0.3], first=-4.0) == pytest.approx([-4 - LR * 4], rel=1e-4)


KINDS = [
    lambda decay: Sgd(decay, 0.0, nesterov=False),
    lambda decay: Sgd(decay, 0.5, nesterov=True),
    lambda decay: RmsProp(decay, 0.9),
    lambda decay: Adam(decay, 0.9, 0.999),
    lambda decay: AdamW(decay, 0.9, 0.999),
    lambda decay: Lamb(decay, 0.9, 0.999),
]


@pytest.mark.parametrize("kind", KINDS)
def test_weight_decay_draws_a_weight_without_gradient_to_zero(kind):
    assert weights_after(kind(0.0), [0.0]) == [1.0]
    [decayed] = weights_after(kind(0.01), [0.0])
    assert 0 < decayed < 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_bias_has_no_weight_decay(kind):
    assert weights_after(kind(0.01), [0.0], decayed=0) == [1.0]
