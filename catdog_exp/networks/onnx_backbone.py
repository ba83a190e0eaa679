"""Any network in an ONNX file as frozen layers, computed by ONNX Runtime, below dense layers that are trained."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.networks.network import Network
from catdog_exp.paths import LocalPath

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Triple = Annotated[list[float], Field(min_length=3, max_length=3)]
Positive = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]

CONTENT = "backbone.content"  # the parameter that holds the file
OPERATOR = "catdog_onnx"  # MXNet's name of what computes it


@dataclass(frozen=True)
class OnnxBackbone(Network):
    """What an ONNX file computes, its mean over height and width where it has them, and `layers` dense layers.

    The file travels with the parameters: a trained network does not need it any more.
    Keys: conf/model/onnx_backbone.yaml.
    """

    file: LocalPath
    mean: Triple
    deviation: Positive
    width: Annotated[int, Field(ge=1, le=65_536)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    any_size: ClassVar[bool] = False

    def check(self, size: int) -> None:
        """Any size can be built that the file takes."""

    def check_weights(self, size: int) -> None:
        file = Path(self.file)
        if not file.is_file():
            raise UserError(f"model.file={file}: there is no such file")
        stat = file.stat()
        _check_file(file, size, (stat.st_size, stat.st_mtime_ns))

    def build(self, size: int, classes: int) -> Any:
        from catdog_exp.mx import mx
        from catdog_exp.networks.blocks import SpatialMean
        from catdog_exp.networks.onnx_layer import OnnxLayer

        nn = mx.gluon.nn
        network = nn.HybridSequential()
        backbone = OnnxLayer(Path(self.file), self.mean, self.deviation, size)
        network.register_child(backbone, "backbone")
        if len(backbone.shape) == 3:
            network.register_child(SpatialMean(), "mean")
        for number in range(1, self.layers):
            if self.dropout:
                network.register_child(nn.Dropout(self.dropout), f"dropout{number}")
            network.register_child(nn.Dense(self.width, activation="relu"), f"dense{number}")
        if self.dropout:
            network.register_child(nn.Dropout(self.dropout), "dropout")
        network.register_child(nn.Dense(classes), "output")
        return network

    def weights(self) -> dict[str, NDArray[Any]]:
        return {CONTENT: np.frombuffer(Path(self.file).read_bytes(), np.uint8)}

    def with_weights(self, parameters: Mapping[str, NDArray[Any]], cache: Path) -> Network:
        content = parameters[CONTENT].tobytes()
        file = cache / "onnx" / f"{hashlib.sha256(content).hexdigest()[:32]}.onnx"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file) as aside:
                aside.write_bytes(content)
        return OnnxBackbone(**{**vars(self), "file": str(file)})


def open_session(file: Path) -> InferenceSession:
    """ONNX Runtime with this file: on a CUDA GPU where its build has that, else on one thread of the processor.

    One thread, so that the last digits are the same however many pictures are computed side by side.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; the rest is about the file's making
    known = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in known]
    return onnxruntime.InferenceSession(file, options, providers=providers)


@functools.cache  # a sweep checks each of its jobs
def _check_file(file: Path, size: int, _version: tuple[int, int]) -> None:
    """Raise UserError where the file is no network from pictures of this size to features."""
    try:
        session = open_session(file)
    except Exception as error:  # ONNX Runtime has many of its own
        raise UserError(f"model.file={file}: ONNX Runtime cannot read it: {str(error).splitlines()[0]}") from None
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
        raise UserError(f"model.file={file}: needs one input, float32 of shape (N, 3, {size}, {size}); it has {found}")
    takes = inputs[0].shape[1:]
    if any(isinstance(length, int) and length != own for length, own in zip(takes, (3, size, size), strict=True)):
        raise UserError(
            f"model.file={file}: it takes pictures of shape {takes}, not [3, {size}, {size}]: set data.resize"
        )
    shapes = [each.shape for each in outputs]
    if len(outputs) != 1 or outputs[0].type != "tensor(float)" or len(shapes[0]) not in (2, 4):
        found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in outputs)
        raise UserError(f"model.file={file}: needs one output, float32 of two or four axes (N first); it has {found}")
