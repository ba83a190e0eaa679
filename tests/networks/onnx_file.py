"""An ONNX file that tests make."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save_convolution(
    path: Path,
    pictures: tuple[int | str, ...] = ("N", 3, 8, 8),
    features: tuple[int | str, ...] = ("N", 5, 4, 4),
    outputs: int = 1,
) -> Path:
    """A convolution of stride 2 with five channels, in an ONNX file; flattened where `features` has two axes."""
    kernel = np.random.default_rng(0).normal(size=(5, 3, 2, 2)).astype(np.float32)
    last = "Flatten" if len(features) == 2 else "Identity"
    nodes = [helper.make_node("Conv", ["pixels", "kernel"], ["convolved"], strides=[2, 2])]
    nodes += [helper.make_node(last, ["convolved"], [f"features{number}"]) for number in range(outputs)]
    graph = helper.make_graph(
        nodes,
        "convolution",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, pictures)],
        [helper.make_tensor_value_info(f"features{n}", TensorProto.FLOAT, features) for n in range(outputs)],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path
