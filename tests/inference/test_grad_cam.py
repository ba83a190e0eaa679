"""Heat maps: that they show the place which the network's answer comes from."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.decoded import DecodedPictures
from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.grad_cam import heat_maps
from catdog_exp.networks.cnn import Cnn
from catdog_exp.networks.onnx_backbone import OnnxBackbone
from catdog_exp.networks.resnet import ResNet
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.loop import train
from tests.checkpoints import save_drawn
from tests.learnable import decoded, short
from tests.networks.onnx_file import save_convolution

SIZE, SPOT = 24, 6


@cache
def spots(count: int, seed: int) -> tuple[DecodedPictures, np.ndarray]:
    """Gray noise with a spot somewhere, red (label 0) or blue (label 1); and where each spot is, as a mask."""
    drawing = np.random.default_rng(seed)
    pictures, masks = [], np.zeros((count, SIZE, SIZE), bool)
    for number, mask in enumerate(masks):
        picture = np.repeat(drawing.integers(60, 120, (SIZE, SIZE, 1)), 3, axis=2).astype(np.uint8)
        top, left = drawing.integers(0, SIZE - SPOT, 2)
        mask[top : top + SPOT, left : left + SPOT] = True
        picture[mask, 2 * (number % 2)] = 250
        pictures.append(picture)
    return decoded(pictures, [number % 2 for number in range(count)], SIZE), masks


def onnx_backbone(folder: Path, features: tuple[int | str, ...]) -> OnnxBackbone:
    file = save_convolution(folder / "mine.onnx", ("N", 3, SIZE, SIZE), features)
    return OnnxBackbone(layers=1, file=str(file), mean=[0.5] * 3, deviation=[0.2] * 3, width=6, dropout=0.1)


@pytest.mark.parametrize("family", ["cnn", "resnet", "onnx"])
def test_the_heat_lies_on_what_tells_the_class(tmp_path, family):
    if family == "onnx":
        network = onnx_backbone(tmp_path, ("N", 5, SIZE // 2, SIZE // 2))
    elif family == "cnn":
        network = Cnn(layers=2, width=8, dense=[], batch_norm=True, dropout=0.1)
    else:
        network = ResNet(layers=8, width=8, dropout=0.0)
    validation, masks = spots(40, seed=1)
    settings = short(epochs=4, lr=0.05, mirrored=family == "resnet")
    hardware = HardwareConfig("cpu", 8, None)
    sides = (spots(64, seed=0)[0], validation)
    run = train(
        *(network, settings, AugmentConfig(), hardware, "val/accuracy", *sides, ["red", "blue"], tmp_path),
        lambda _epoch, _metrics: None,
    )
    classifier = Classifier.load(run.best)
    crops = validation.crops()
    right = classifier.probabilities(crops).argmax(axis=1) == validation.labels
    maps = heat_maps(classifier, crops)
    assert (maps.shape, maps.dtype) == (crops.shape[:3], np.float32)
    assert maps.min() >= 0
    on = np.array([own[mask].mean() > 2 * own[~mask].mean() for own, mask in zip(maps, masks, strict=True)])
    assert right.mean() > 0.9
    assert on[right].mean() > 0.9
    print(
        np.abs(heat_maps(classifier, crops[3:4]) - maps[3:4]).max(),
        np.abs(heat_maps(classifier, crops) - maps).max(),
    )
    np.testing.assert_allclose(heat_maps(classifier, crops[3:4]), maps[3:4], atol=1e-4)  # alone as among others
    assert heat_maps(classifier, crops[:0]).shape == (0, SIZE, SIZE)


def test_a_map_is_as_fine_as_the_last_convolution_and_not_as_the_pooling_behind_it(tmp_path):
    network = Cnn(layers=1, width=4, dense=[], batch_norm=False, dropout=0.0)
    maps = heat_maps(Classifier.load(save_drawn(tmp_path, network, SIZE)), spots(8, seed=1)[0].crops())
    steps = np.abs(np.diff(maps, axis=2))
    assert steps.max() > 0.9  # from one pixel to the next: nothing is enlarged


def test_a_network_without_a_map_to_draw_from_is_told(tmp_path):
    classifier = Classifier.load(save_drawn(tmp_path, onnx_backbone(tmp_path, ("N", 5 * (SIZE // 2) ** 2)), SIZE))
    with pytest.raises(UserError, match=r"no heat map can be drawn: .* without the pooling at its end"):
        heat_maps(classifier, spots(1, seed=1)[0].crops())
