"""Layers that training leaves as they are."""

import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.networks.blocks import fuse_for
from catdog_exp.networks.freezing import freeze, frozen
from catdog_exp.networks.resnet import ResNet
from tests.networks.test_parameters import arrays

NAMES = ["1.weight", "2.gamma", "4.body.0.weight", "4.body.1.gamma", "40.weight"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], []),
        (["4"], ["4.body.0.weight", "4.body.1.gamma"]),
        (["4.body.0", "1.weight"], ["1.weight", "4.body.0.weight"]),
        (["*.gamma"], ["2.gamma", "4.body.1.gamma"]),
        (["4*"], ["4.body.0.weight", "4.body.1.gamma", "40.weight"]),
        (["[12]"], ["1.weight", "2.gamma"]),
    ],
)
def test_a_pattern_names_parameters_or_whole_layers(patterns, expected):
    assert sorted(frozen(NAMES, patterns)) == expected


def test_a_pattern_that_names_nothing_gets_the_nearest_name():
    with pytest.raises(UserError, match=r"train\.freeze: .* 4\.bod\.0; did you mean 4\.body\.0\?"):
        frozen(NAMES, ["1", "4.bod.0"])


def train_a_step(fused: bool, patterns: list[str]):
    network = ResNet(layers=8, width=16, dropout=0.0)
    mx.random.seed(1)
    block = network.build(8, 2)
    if fused:
        fuse_for(mx.cpu(), block)
    block.initialize(mx.init.Xavier())
    block(mx.nd.zeros((1, 3, 8, 8)))
    names = freeze(block, patterns)
    before = arrays(block)
    block.hybridize(static_alloc=True, static_shape=True)
    trainer = mx.gluon.Trainer(block.collect_params(), "sgd", {"learning_rate": 0.1}, kvstore=None)
    pixels = mx.nd.array(np.random.default_rng(0).uniform(0, 255, (4, 3, 8, 8)))
    for _ in range(2):
        with mx.autograd.record():
            loss = (block(pixels) ** 2).sum()
        loss.backward()
        trainer.step(4)
    mx.nd.waitall()  # the fused operator writes running statistics without telling MXNet's engine
    return names, before, arrays(block)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("patterns", [["1", "2", "3"], ["3.body.1", "4.body.3", "7.bias"]])
def test_frozen_layers_keep_all_they_have_and_the_others_train(fused, patterns):
    names, before, after = train_a_step(fused, patterns)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert any(name.endswith("running_mean") for name in names)
    assert changed == before.keys() - names


def test_fused_and_separate_operators_train_alike_beside_frozen_ones():
    patterns = ["3.body.1", "4.body.3"]
    separate, fused = (train_a_step(fused, patterns)[2] for fused in (False, True))
    for name, values in separate.items():
        np.testing.assert_allclose(fused[name], values, rtol=1e-3, atol=1e-5, err_msg=name)


def test_freezing_everything_is_refused():
    block = ResNet(layers=8, width=4, dropout=0.0).build(8, 2)
    with pytest.raises(UserError, match=r"^train\.freeze=\*: this leaves nothing to train$"):
        freeze(block, ["*"])
