"""Plain convolutional networks, from their YAML keys."""

import pytest

from catdog_exp.mx import mx
from catdog_exp.networks.cnn import Cnn
from catdog_exp.networks.parameters import named_parameters


def shapes(network: Cnn, size: int) -> dict[str, tuple[int, ...]]:
    block = network.build(size, 2)
    block.initialize()
    assert block(mx.nd.zeros((1, 3, size, size))).shape == (1, 2)
    return {name: values.shape for name, values in named_parameters(block).items() if name.endswith(".weight")}


@pytest.mark.parametrize(("size", "most"), [(8, 3), (32, 5), (63, 5), (150, 7)])
def test_a_layer_halves_the_picture_so_its_size_says_how_many_there_can_be(size, most):
    for layers in (1, most):
        network = Cnn(layers=layers, width=2, dense=[], batch_norm=True, dropout=0.0)
        network.check(size)
        assert shapes(network, size)
    with pytest.raises(ValueError, match=rf"^layers={most + 1}: .*{size} pixels allow 1 to {most}$"):
        Cnn(layers=most + 1, width=2, dense=[], batch_norm=True, dropout=0.0).check(size)


def test_the_notebooks_network_has_its_shapes():
    found = list(shapes(Cnn(layers=3, width=32, dense=[512], batch_norm=False, dropout=0.0), 150).values())
    assert found == [(32, 3, 3, 3), (64, 32, 3, 3), (128, 64, 3, 3), (512, 128 * 18 * 18), (2, 512)]


def test_dropout_stands_before_each_dense_layer_and_only_in_training():
    block = Cnn(layers=1, width=2, dense=[4, 4], batch_norm=False, dropout=0.5).build(8, 2)
    assert sum(isinstance(layer, mx.gluon.nn.Dropout) for layer in block) == 3
    block.initialize()
    pixels = mx.nd.random.uniform(0, 255, (4, 3, 8, 8))
    assert (block(pixels) == block(pixels)).asnumpy().all()
    with mx.autograd.train_mode():
        assert not (block(pixels) == block(pixels)).asnumpy().all()
