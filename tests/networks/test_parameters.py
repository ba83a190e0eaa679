"""Parameters out of a network and into another."""

import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.networks.parameters import arrays, restore
from catdog_exp.networks.resnet import ResNet

NETWORK = ResNet(layers=8, width=4, dropout=0.0)


@pytest.fixture
def trained():
    block = NETWORK.build(8, 2)
    block.initialize(mx.init.Xavier())
    with mx.autograd.train_mode():
        block(mx.nd.random.uniform(0, 255, (4, 3, 8, 8)))  # moves the running statistics
    return block


def test_another_network_of_the_same_kind_computes_the_same_with_them(trained):
    pixels = mx.nd.random.uniform(0, 255, (4, 3, 8, 8))
    other = NETWORK.build(8, 2)
    restore(other, arrays(trained), 8, mx.cpu())
    assert np.array_equal(other(pixels).asnumpy(), trained(pixels).asnumpy())


def test_names_follow_the_structure_and_hold_running_statistics(trained):
    again = NETWORK.build(8, 2)
    restore(again, arrays(trained), 8, mx.cpu())
    assert arrays(again).keys() == arrays(trained).keys()
    assert any(name.endswith("running_mean") for name in arrays(trained))


def test_a_missing_one_and_one_too_many_are_named(trained):
    parameters = arrays(trained)
    name = sorted(parameters)[0]
    values = parameters.pop(name)
    with pytest.raises(UserError, match=f"{name} is on one side only"):
        restore(NETWORK.build(8, 2), parameters, 8, mx.cpu())
    with pytest.raises(UserError, match="extra is on one side only"):
        restore(NETWORK.build(8, 2), {**parameters, name: values, "extra": values}, 8, mx.cpu())


def test_another_shape_is_named(trained):
    with pytest.raises(UserError, match=r"has shape \(2, 16\), the network needs \(3, 16\)"):
        restore(NETWORK.build(8, 3), arrays(trained), 8, mx.cpu())
