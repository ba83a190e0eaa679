"""First weights from files, and what of them fits a network."""

import numpy as np
import onnx
import pytest

from catdog_exp.errors import UserError
from catdog_exp.networks.initial_weights import match, read_weights

WEIGHTS = {
    "1.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "2.bias": np.zeros(2, np.float32),
}
SHAPES = {name: values.shape for name, values in WEIGHTS.items()}


def save_safetensors(path, arrays):
    from safetensors.numpy import save_file

    save_file(arrays, path)
    return path


def save_onnx(path, arrays):
    initializers = [onnx.numpy_helper.from_array(values, name) for name, values in arrays.items()]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "network", [], [], initializers)), path)
    return path


@pytest.mark.parametrize("save", [save_safetensors, save_onnx])
def test_floating_point_arrays_come_out_as_float32_and_others_do_not(tmp_path, save):
    given = {**WEIGHTS, "half": np.ones(2, np.float16), "shape": np.ones(2, np.int64)}
    found = read_weights(save(tmp_path / f"weights{'.onnx' if save is save_onnx else '.safetensors'}", given))
    assert sorted(found) == ["1.weight", "2.bias", "half"]
    assert all(values.dtype == np.float32 for values in found.values())
    assert np.array_equal(found["1.weight"], WEIGHTS["1.weight"])


def test_our_own_checkpoint_is_read_by_its_parameters(tmp_path):
    from catdog_exp.networks.resnet import ResNet
    from catdog_exp.training.checkpoint import Checkpoint, save_checkpoint

    network = ResNet(layers=8, width=4, dropout=0.0)
    path = tmp_path / "last.safetensors"
    checkpoint = Checkpoint(
        network=network,
        classes=["cat", "dog"],
        size=8,
        epoch=1,
        metrics={},
        objective="val/accuracy",
        seed=0,
        mirrored=False,
        pack="",
        learned="",
        complete=True,
        validated="",
        quality=95,
        parameters=WEIGHTS,
    )
    save_checkpoint(path, checkpoint)
    assert match(SHAPES, read_weights(path)).matched == ["1.weight", "2.bias"]


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.onnx"])
def test_a_damaged_file_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x07no weights" * 9)
    with pytest.raises(UserError, match=f"{name}: .*damaged"):
        read_weights(tmp_path / name)


def test_a_missing_file_and_another_kind_are_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.onnx: there is no such file"):
        read_weights(tmp_path / "gone.onnx")
    (tmp_path / "weights.pt").touch()
    with pytest.raises(UserError, match=r"weights\.pt: weights are read from \.safetensors and \.onnx files"):
        read_weights(tmp_path / "weights.pt")


def test_the_report_says_what_matched_and_what_was_left_out_and_why():
    report = match({"1.weight": (2, 3), "2.bias": (5,), "3.bias": (1,)}, {**WEIGHTS, "head": np.zeros(1)})
    assert report.matched == ["1.weight"]
    assert report.lines() == [
        "1 of 3 parameters are taken from the file",
        "  2.bias: starts anew, its shape is (5,), the file's (2,)",
        "  not in the file, start anew: 3.bias",
        "  in the file, not in the network: head",
    ]


def test_a_whole_match_is_one_line():
    assert match(SHAPES, WEIGHTS).lines() == ["2 of 2 parameters are taken from the file"]


@pytest.mark.parametrize(
    ("given", "what"), [({"layer1.weight": np.zeros(1)}, "name"), ({"2.bias": np.zeros(1)}, "name and shape")]
)
def test_weights_of_quite_another_network_are_refused(given, what):
    with pytest.raises(
        UserError, match=rf"has the {what} of one .*the network has 1\.weight.*the file has {next(iter(given))}"
    ):
        match(SHAPES, given)
