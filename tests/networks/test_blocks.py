"""The blocks that families of networks share."""

import numpy as np
import pytest

from catdog_exp.mx import mx
from catdog_exp.networks.blocks import (
    BatchNormRelu,
    NormalizePixels,
    ResidualBlock,
    SpatialMean,
    fuse_for,
    without_dropout,
)


def test_pixels_come_out_about_zero_and_within_a_few_deviations():
    pixels = mx.nd.array(np.arange(256, dtype=np.float32).reshape(1, 1, 16, 16))
    normalized = NormalizePixels()(pixels).asnumpy()
    assert abs(normalized.mean()) < 0.3
    assert -2.5 < normalized.min() < normalized.max() < 2.5
    assert np.all(np.diff(normalized.ravel()) > 0)


@pytest.mark.parametrize(("pictures", "channels", "edge"), [(4, 8, 6), (3, 5, 7), (2, 3, 1), (1, 1, 1)])
def test_fused_and_separate_operators_agree_forward_and_backward(pictures, channels, edge):
    values = np.random.default_rng(0).normal(size=(pictures, channels, edge, edge)).astype(np.float32)
    found = []
    for fused in (False, True):
        block = BatchNormRelu()
        block.fused = fused
        block.initialize()
        inputs = mx.nd.array(values)
        inputs.attach_grad()
        block(inputs)
        block.gamma.set_data(mx.nd.array(np.linspace(-1, 2, channels)))
        block.hybridize(static_alloc=True, static_shape=True)
        with mx.autograd.record():
            outputs = block(inputs)
            loss = (outputs * outputs).sum()
        loss.backward()
        assert outputs.asnumpy().min() >= 0
        found.append([outputs, inputs.grad, block.gamma.grad(), block.beta.grad(), block.running_var.data()])
    for separate, together in zip(*found, strict=True):
        np.testing.assert_allclose(separate.asnumpy(), together.asnumpy(), rtol=1e-5, atol=1e-6)


def test_operators_are_fused_on_the_processor_alone():
    block = ResidualBlock(4, halve=True)
    norms = [layer for layer in block.body if isinstance(layer, BatchNormRelu)]
    fuse_for(mx.cpu(), block)
    assert [norm.fused for norm in norms] == [True]
    fuse_for(mx.gpu(0), block)
    assert [norm.fused for norm in norms] == [False]


@pytest.mark.parametrize(("halve", "shape"), [(False, (2, 4, 6, 6)), (True, (2, 8, 3, 3))])
def test_a_residual_block_adds_to_its_input(halve, shape):
    block = ResidualBlock(shape[1], halve=halve)
    block.initialize(mx.init.Zero())
    inputs = mx.nd.random.uniform(-1, 1, (2, 4, 6, 6))
    outputs = block(inputs)
    assert outputs.shape == shape
    if not halve:  # all weights are zero: what comes out is what went in
        assert np.array_equal(outputs.asnumpy(), np.maximum(inputs.asnumpy(), 0))


def test_the_spatial_mean_is_the_mean_of_each_channel():
    inputs = mx.nd.random.uniform(-1, 1, (2, 3, 4, 5))
    np.testing.assert_allclose(
        SpatialMean()(inputs).asnumpy(), inputs.asnumpy().mean(axis=(2, 3)), rtol=1e-5, atol=1e-6
    )


def test_without_dropout_the_numbers_are_the_same_and_none_is_drawn():
    network = mx.gluon.nn.HybridSequential()
    network.add(mx.gluon.nn.Dense(3), mx.gluon.nn.Dropout(0.5), mx.gluon.nn.Dense(2))
    network.initialize()
    inputs = mx.nd.array([[1.0, 2.0], [3.0, 4.0]])
    expected = network(inputs).asnumpy()
    without_dropout(network)
    assert np.array_equal(network(inputs).asnumpy(), expected)
    assert "Dropout" not in network(mx.sym.var("x")).tojson()
    with mx.autograd.record():
        assert np.array_equal(network(inputs).asnumpy(), expected)
