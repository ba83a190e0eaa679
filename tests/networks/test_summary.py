"""What a summary says of networks whose figures are known."""

import pytest

from catdog_exp.mx import mx
from catdog_exp.networks.cnn import Cnn
from catdog_exp.networks.resnet import ResNet
from catdog_exp.networks.summary import summarize
from tests.networks.test_parameters import arrays

CNN = Cnn(layers=2, width=4, dense=[8], batch_norm=True, dropout=0.3)


def test_resnet_20_has_the_published_figures():
    summary = summarize(ResNet(layers=20, width=16, dropout=0.0).build(32, 10), 32)
    assert summary.totals == "0.27 M parameters, 41 M multiply-adds per picture"


def test_each_layer_has_its_name_shape_and_counts():
    rows = [
        (layer.name, layer.shape, layer.parameters, layer.multiply_adds)
        for layer in summarize(CNN.build(8, 2), 8).layers
    ]
    assert rows == [
        ("1", (4, 8, 8), 4 * 3 * 9, 4 * 3 * 9 * 64),
        ("2", (4, 8, 8), 8, 0),
        ("3", (4, 4, 4), 0, 0),
        ("4", (8, 4, 4), 8 * 4 * 9, 8 * 4 * 9 * 16),
        ("5", (8, 4, 4), 16, 0),
        ("6", (8, 2, 2), 0, 0),
        ("7", (32,), 0, 0),
        ("9", (8,), 33 * 8, 32 * 8),
        ("11", (2,), 9 * 2, 8 * 2),
    ]


@pytest.mark.parametrize("network", [CNN, ResNet(layers=8, width=4, dropout=0.1)])
def test_the_parameters_are_those_of_a_checkpoint_without_running_statistics(network):
    block = network.build(16, 3)
    summary = summarize(block, 16)
    block.initialize()
    block(mx.nd.zeros((1, 3, 16, 16)))
    trained = {name: values for name, values in arrays(block).items() if "running" not in name}
    assert summary.parameters == sum(values.size for values in trained.values())
    assert {layer.name for layer in summary.layers if layer.parameters} == {name.rpartition(".")[0] for name in trained}


def test_groups_transposed_convolutions_and_shared_weights_are_counted_right():
    nn = mx.gluon.nn
    block = nn.HybridSequential()
    dense = nn.Dense(6, use_bias=False, flatten=False)
    block.add(nn.Conv2D(6, 1, groups=3, use_bias=False), nn.Conv2DTranspose(2, 2, strides=2, use_bias=False))
    block.add(dense, nn.Dense(6, use_bias=False, flatten=False, params=dense.params))
    layers = summarize(block, 3).layers
    assert [layer.multiply_adds for layer in layers] == [6 * 9, 6 * 9 * 2 * 4, 12 * 36, 12 * 36]
    assert [layer.parameters for layer in layers] == [6, 6 * 2 * 4, 36, 0]


def test_the_table_lines_up_and_ends_with_the_totals():
    lines = summarize(CNN.build(8, 2), 8).table().splitlines()
    assert lines[0].split() == ["layer", "kind", "output", "parameters", "multiply-adds"]
    assert lines[-1].split() == ["total", "702", "11,792"]
    assert len({len(line) for line in lines if line[-1].isdigit() and "," in line.split()[-1]}) == 1
