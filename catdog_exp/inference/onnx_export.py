"""A trained network as an ONNX model, which answers as the network does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from catdog_exp.errors import UserError
from catdog_exp.networks.onnx_graph import PIXELS, PROBABILITIES, onnx_model
from catdog_exp.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from catdog_exp.inference.classifier import Classifier

TOLERANCE = 1e-4  # between its probabilities and MXNet's, which are rounded otherwise


def onnx_network(checkpoint: Checkpoint) -> bytes:
    """The network of a checkpoint as `networks.onnx_graph.onnx_model` writes it: the bytes of an .onnx file.

    Raises UserError where it has an operator that cannot be written.
    """
    network = checkpoint.network.with_weights(checkpoint.parameters, user_cache_path("catdog_exp"))
    classes = len(checkpoint.classes)
    block = network.build(checkpoint.size, classes)
    model = onnx_model(block, checkpoint.parameters, checkpoint.size, classes, mirrored=checkpoint.mirrored)
    found: bytes = model.SerializeToString(deterministic=True)
    return found


def open_network(model: bytes) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """ONNX Runtime with an .onnx file of `onnx_network`: from squares, uint8 RGB (N, size, size, 3), to probabilities.

    It computes on one thread of the processor; several may call it at once. Raises UserError where it is not taken.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it has many of its own
        raise UserError(f"ONNX Runtime does not take the network: {str(error).splitlines()[0]}") from None

    def probabilities(squares: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = np.ascontiguousarray(squares.transpose(0, 3, 1, 2), np.float32)
        found: NDArray[np.float32] = session.run([PROBABILITIES], {PIXELS: pixels})[0]
        return found

    return probabilities


def check_equal(model: bytes, classifier: Classifier, crops: NDArray[np.uint8]) -> None:
    """Raise UserError unless an ONNX model says of pictures what the classifier does, within TOLERANCE.

    crops: uint8 RGB of shape (N, size, size, 3).
    """
    difference = float(np.abs(open_network(model)(crops) - classifier.probabilities(crops)).max(initial=0))
    if not difference <= TOLERANCE:
        raise UserError(f"the network and its ONNX model differ by {difference:.2g} in a probability")
