"""Networks in ONNX: the same answers as MXNet's, of every family, on photographs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.onnx_export import check_equal, onnx_network
from catdog_exp.inference.pictures import PictureFile, square
from catdog_exp.mx import mx
from catdog_exp.networks.cnn import Cnn
from catdog_exp.networks.initial_weights import read_weights
from catdog_exp.networks.network import Network
from catdog_exp.reading import read
from tests.checkpoints import save_drawn
from tests.networks.onnx_file import save_convolution

MODELS = Path(__file__).parents[2] / "conf" / "model"
PHOTOGRAPHS = ["cats/cat.2000.jpg", "cats/cat.2001.jpg", "dogs/dog.2000.jpg", "dogs/dog.2001.jpg", "dogs/dog.2002.jpg"]


def of_conf(name: str, folder: Path, size: int) -> Network:
    """The network of a file of conf/model/, which a backbone's own file is made for."""
    values: dict[str, Any] = yaml.safe_load((MODELS / f"{name}.yaml").read_text())
    if "file" in values:
        values["file"] = str(save_convolution(folder / "mine.onnx", ("N", 3, size, size)))
    return read(Network, values)


def crops_of(real_pictures: Path, size: int) -> np.ndarray:
    return np.stack([square(PictureFile(real_pictures / "validation" / name), size) for name in PHOTOGRAPHS])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("name", sorted(file.stem for file in MODELS.glob("*.yaml")))
def test_it_answers_as_the_network_does(real_pictures, tmp_path, monkeypatch, name, mirrored):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    size = 64 if name == "efficientnet_lite" else 33 if name in ("resnet", "fastnet") else 32
    path = save_drawn(tmp_path, of_conf(name, tmp_path, size), size, mirrored=mirrored)
    classifier = Classifier.load(path)
    crops = crops_of(real_pictures, size)
    assert np.ptp(classifier.probabilities(crops)[:, 0]) > 0.003  # it tells the pictures apart
    model = onnx_network(classifier.checkpoint)
    check_equal(model, classifier, crops)
    check_equal(model, classifier, crops[:1])
    assert model == onnx_network(classifier.checkpoint)


def test_another_network_is_told_from_it(real_pictures, tmp_path):
    first, second = (
        Classifier.load(save_drawn(tmp_path, Cnn(layers=2, width=width, dense=[], batch_norm=False, dropout=0), 32))
        for width in (4, 5)
    )
    with pytest.raises(UserError, match="differ by"):
        check_equal(onnx_network(first.checkpoint), second, crops_of(real_pictures, 32))


def test_its_weights_are_called_as_the_network_calls_them(tmp_path):
    path = save_drawn(tmp_path, Cnn(layers=1, width=4, dense=[8], batch_norm=True, dropout=0.5), 8)
    (tmp_path / "network.onnx").write_bytes(onnx_network(Classifier.load(path).checkpoint))
    given, own = (read_weights(each) for each in (tmp_path / "network.onnx", path))
    assert all(np.array_equal(given[name], values) for name, values in own.items())


def test_an_operator_without_a_form_in_onnx_is_named(tmp_path):
    from catdog_exp.networks.onnx_graph import onnx_model

    block = mx.gluon.nn.HybridLambda(lambda F, x: F.erf(x))
    with pytest.raises(UserError, match=r"not written to ONNX here: erf\(\)"):
        onnx_model(block, {}, 8, 2, mirrored=False)
