"""A network in a folder of its own: what other programs make of it, and folders that are whole or not there."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.export import whole_folder, write_mxnet, write_onnx
from catdog_exp.mx import mx
from catdog_exp.networks.onnx_backbone import OnnxBackbone
from catdog_exp.networks.resnet import ResNet
from tests.checkpoints import save_drawn
from tests.networks.onnx_file import save_convolution


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> Classifier:
    return Classifier.load(save_drawn(tmp_path_factory.mktemp("checkpoint"), ResNet(8, 4, 0.1), 16))


def test_mxnet_and_onnx_runtime_compute_what_the_classifier_does(tmp_path, classifier):
    write_mxnet(classifier, tmp_path)
    write_onnx(classifier, tmp_path)
    names = ["network-0000.params", "network-symbol.json", "network.json", "network.onnx"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    about = json.loads((tmp_path / "network.json").read_text())
    assert (about["classes"], about["size"], about["network"]["layers"]) == (["cat", "dog"], 16, 8)
    crops = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    pixels = crops.transpose(0, 3, 1, 2).astype(np.float32)
    block = mx.gluon.SymbolBlock.imports(
        str(tmp_path / "network-symbol.json"), ["data"], str(tmp_path / "network-0000.params")
    )
    found = mx.nd.softmax(block(mx.nd.array(pixels))).asnumpy()
    np.testing.assert_allclose(found, classifier.probabilities(crops), atol=1e-5)
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    found = session.run(["probabilities"], {"pixels": pixels})[0]
    np.testing.assert_allclose(found, classifier.probabilities(crops), atol=1e-5)


def test_a_network_that_mxnet_has_not_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = str(save_convolution(tmp_path / "mine.onnx"))
    network = OnnxBackbone(layers=1, file=file, mean=[0, 0, 0], deviation=[1, 1, 1], width=4, dropout=0)
    with pytest.raises(UserError, match="--format onnx"):
        write_mxnet(Classifier.load(save_drawn(tmp_path, network, 8)), tmp_path)


def test_a_folder_is_whole_or_not_there(tmp_path):
    with whole_folder(tmp_path / "a" / "new") as folder:
        (folder / "file").write_text("x")
    assert [path.name for path in (tmp_path / "a").rglob("*")] == ["new", "file"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(KeyError), whole_folder(tmp_path / "empty") as folder:
        (folder / "file").write_text("x")
        raise KeyError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "empty"]
    with whole_folder(tmp_path / "empty") as folder:
        (folder / "file").write_text("x")
    for there in (tmp_path / "a", tmp_path / "empty" / "file", Path("/")):
        with pytest.raises(UserError, match="name a new or an empty folder"), whole_folder(there):
            pass
