"""Any network in an ONNX file as frozen layers, and what is wrong with files that cannot be."""

import dataclasses
from pathlib import Path

import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.networks.frozen_layers import frozen_layers
from catdog_exp.networks.onnx_backbone import CONTENT, OnnxBackbone
from catdog_exp.networks.summary import summarize
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.loop import Trained, train
from tests.learnable import halves, short
from tests.networks.onnx_file import save_convolution


def backbone(file: Path, layers: int = 2) -> OnnxBackbone:
    return OnnxBackbone(
        layers=layers, file=str(file), mean=[0.5, 0.4, 0.3], deviation=[0.2, 0.2, 0.3], width=6, dropout=0.1
    )


def go(folder: Path, network: OnnxBackbone, threads: int = 1) -> Trained:
    augment, hardware = AugmentConfig(flip="random"), HardwareConfig("cpu", 16, None)
    sides = halves(48), halves(20, seed=1)
    return train(
        *(network, short(lr=0.1), augment, hardware, "val/accuracy", *sides, ["cat", "dog"], folder),
        *(lambda _epoch, _metrics: None, threads),
    )


@pytest.mark.parametrize("count", ["N", 1])
def test_it_is_trained_the_same_with_any_threads_and_predicts_without_its_file(tmp_path, monkeypatch, count):
    network = backbone(save_convolution(tmp_path / "mine.onnx", (count, 3, 8, 8), (count, 80)))
    network.check_weights(8)
    one, three = (go(tmp_path / str(threads), network, threads) for threads in (1, 3))
    assert one.best_value > 0.8
    assert one.best.read_bytes() == three.best.read_bytes()
    Path(network.file).unlink()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    right = Classifier.load(one.best).probabilities_of(halves(20, seed=1)).argmax(axis=1) == halves(20, seed=1).labels
    assert right.mean() == one.best_value


def test_its_file_is_what_is_frozen_and_no_parameter_to_count(tmp_path):
    network = backbone(save_convolution(tmp_path / "mine.onnx"), layers=1)
    assert [layer.name for layer in summarize(network.build(8, 2), 8).layers] == ["backbone", "mean", "output"]
    assert summarize(network.build(8, 2), 8).parameters == 12
    found = frozen_layers(network, 8, 2, [], network.weights())
    assert found is not None
    assert (found.count, list(found.parameters)) == (2, [CONTENT])
    digest = found.digest(8)
    moved = dataclasses.replace(network, file=str(Path(network.file).rename(tmp_path / "moved.onnx")))
    again = frozen_layers(moved, 8, 2, [], moved.weights())
    assert again is not None
    assert again.digest(8) == digest


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pictures": ("N", 3, 16, 16)}, "it takes pictures of shape [3, 16, 16], not [3, 8, 8]: set data.resize"),
        ({"outputs": 2}, "needs one output, float32 of two or four axes (N first); it has features0"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path, changes, told):
    file = save_convolution(tmp_path / "mine.onnx", **changes)
    with pytest.raises(UserError) as raised:
        backbone(file).check_weights(8)
    assert str(raised.value).startswith(f"model.file={file}: ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_file_and_another_kind_of_file_are_told(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        backbone(tmp_path / "mine.onnx").check_weights(8)
    (tmp_path / "mine.onnx").write_text("no network")
    with pytest.raises(UserError, match="ONNX Runtime cannot read it"):
        backbone(tmp_path / "mine.onnx").check_weights(8)
