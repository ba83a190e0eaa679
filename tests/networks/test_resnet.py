"""Residual networks, from their YAML keys."""

import pytest

from catdog_exp.mx import mx
from catdog_exp.networks.parameters import named_parameters
from catdog_exp.networks.resnet import ResNet


def weights(layers: int, width: int, size: int) -> dict[str, tuple[int, ...]]:
    network = ResNet(layers=layers, width=width, dropout=0.0)
    network.check(size)
    block = network.build(size, 3)
    block.initialize()
    assert block(mx.nd.zeros((2, 3, size, size))).shape == (2, 3)
    return {name: values.shape for name, values in named_parameters(block).items() if name.endswith(".weight")}


@pytest.mark.parametrize("layers", [8, 14, 20])
def test_the_layer_count_is_the_number_of_weighted_layers_without_shortcuts(layers):
    found = weights(layers, 4, 32)
    counted = [shape for name, shape in found.items() if "shortcut" not in name]
    assert len(counted) == layers


def test_three_groups_double_the_channels_and_halve_the_picture():
    found = weights(8, 4, 9)
    assert {shape[0] for shape in found.values()} == {4, 8, 16, 3}


@pytest.mark.parametrize("layers", [1, 2, 7, 9, 12, 116])
def test_other_layer_counts_are_refused_with_those_that_can_be_had(layers):
    with pytest.raises(ValueError, match=rf"^layers={layers}: .*: 8, 14, 20, 26, 32, … up to 110$"):
        ResNet(layers=layers, width=16, dropout=0.0).check(32)


def test_the_deepest_one_is_allowed():
    ResNet(layers=110, width=16, dropout=0.0).check(32)
