"""FastNet, from its YAML keys."""

import numpy as np
import pytest

from catdog_exp.mx import mx
from catdog_exp.networks.blocks import PreActivationBlock
from catdog_exp.networks.fastnet import FastNet
from catdog_exp.networks.summary import summarize


def fastnet(layers: int = 3, width: int = 4, groups: int = 3, dropout: float = 0.0) -> FastNet:
    return FastNet(layers=layers, width=width, groups=groups, dropout=dropout)


@pytest.mark.parametrize(
    ("layers", "groups", "expected"), [(1, 3, [0, 0, 1]), (3, 3, [1, 1, 1]), (8, 3, [2, 3, 3]), (2, 1, [2])]
)
def test_layers_are_the_blocks_and_the_last_groups_get_what_is_over(layers, groups, expected):
    block = fastnet(layers, groups=groups).build(32, 2)
    channels = [inner.body[1]._channels for inner in block if isinstance(inner, PreActivationBlock)]
    assert [channels.count(4 * 2**group) for group in range(groups)] == expected


@pytest.mark.parametrize(("size", "most"), [(8, 3), (32, 5), (63, 5), (64, 6)])
def test_a_group_halves_the_picture_so_its_size_says_how_many_there_can_be(size, most):
    for groups in (1, most):
        network = fastnet(groups=groups, dropout=0.5)
        network.check(size)
        shapes = [layer.shape for layer in summarize(network.build(size, 3), size).layers]
        edges = [shape[1] for shape in shapes if len(shape) == 3]
        assert (edges[0], edges[-1]) == (size, size // 2**groups)
        assert shapes[-1] == (3,)
    with pytest.raises(ValueError, match=rf"^groups={most + 1}: .*{size} pixels allow 1 to {most}$"):
        fastnet(groups=most + 1).check(size)


def test_a_block_starts_as_the_identity_and_learns():
    block = PreActivationBlock(4)
    block.initialize(mx.init.Xavier())
    inputs = mx.nd.random.uniform(-1, 1, (2, 4, 6, 6))
    with mx.autograd.record():
        outputs = block(inputs)
    outputs.backward(mx.nd.random.uniform(-1, 1, outputs.shape))
    assert np.array_equal(outputs.asnumpy(), inputs.asnumpy())
    assert block.body[3].weight.grad().asnumpy().any()


def test_dropout_stands_before_the_last_layer():
    kinds = [type(layer).__name__ for layer in fastnet(dropout=0.5).build(32, 2)]
    assert kinds[-2:] == ["Dropout", "Dense"]
