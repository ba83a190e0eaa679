"""Parameters out of a network and into another."""

from typing import Any

import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.networks.parameters import named_parameters, restore
from catdog_exp.networks.resnet import ResNet

NETWORK = ResNet(layers=8, width=4, dropout=0.0)


def arrays(block: Any) -> dict[str, np.ndarray]:
    return {name: parameter.data().asnumpy() for name, parameter in named_parameters(block).items()}


def new(classes: int = 2) -> Any:
    """A network that has not learned, its shapes settled."""
    block = NETWORK.build(8, classes)
    block.initialize()
    block(mx.nd.zeros((1, 3, 8, 8)))
    return block


@pytest.fixture
def trained():
    block = NETWORK.build(8, 2)
    block.initialize(mx.init.Xavier())
    with mx.autograd.train_mode():
        block(mx.nd.random.uniform(0, 255, (4, 3, 8, 8)))  # moves the running statistics
    return block


def test_another_network_of_the_same_kind_computes_the_same_with_them(trained):
    pixels = mx.nd.random.uniform(0, 255, (4, 3, 8, 8))
    other = new()
    restore(other, arrays(trained))
    assert np.array_equal(other(pixels).asnumpy(), trained(pixels).asnumpy())


def test_names_follow_the_structure_and_hold_running_statistics(trained):
    again = new()
    restore(again, arrays(trained))
    assert arrays(again).keys() == arrays(trained).keys()
    assert any(name.endswith("running_mean") for name in arrays(trained))


def test_a_missing_one_and_one_too_many_are_named(trained):
    parameters = arrays(trained)
    name = sorted(parameters)[0]
    values = parameters.pop(name)
    with pytest.raises(UserError, match=f"{name} is on one side only"):
        restore(new(), parameters)
    with pytest.raises(UserError, match="extra is on one side only"):
        restore(new(), {**parameters, name: values, "extra": values})


def test_another_shape_is_named(trained):
    with pytest.raises(UserError, match=r"has shape \(2, 16\), the network needs \(3, 16\)"):
        restore(new(classes=3), arrays(trained))
