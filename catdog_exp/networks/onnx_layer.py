"""A Gluon block that ONNX Runtime computes. This module imports MXNet: the network imports it where it builds."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.networks.onnx_backbone import OPERATOR, open_session

_computing: dict[str, _Computing] = {}  # by the digest that the operator is told


class _Computing:
    """A file in use: pixels in 0..255, float32 (N, 3, size, size), to what it computes for them scaled."""

    def __init__(self, file: Path, mean: list[float], deviation: list[float]) -> None:
        self._session = open_session(file)
        self._input = self._session.get_inputs()[0]
        self.scaling = tuple(np.array(each, np.float32)[:, None, None] for each in (mean, deviation))

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        mean, deviation = self.scaling
        scaled = (pixels / np.float32(255) - mean) / deviation
        fixed = self._input.shape[0]
        if not isinstance(fixed, int):
            found: NDArray[np.float32] = self._session.run(None, {self._input.name: scaled})[0]
            return found
        # A file that takes so many pictures at once and no others.
        filled = np.zeros((-(-len(scaled) // fixed) * fixed, *scaled.shape[1:]), np.float32)
        filled[: len(scaled)] = scaled
        parts = [
            self._session.run(None, {self._input.name: part})[0] for part in np.split(filled, len(filled) // fixed)
        ]
        whole: NDArray[np.float32] = np.concatenate(parts)
        return whole[: len(scaled)]


class OnnxLayer(mx.gluon.HybridBlock):  # type: ignore[misc]
    """What an ONNX file computes of pixels in 0..255. Its one parameter is the file itself, which is never trained.

    mean, deviation: of the pixels in 0..1 that the file wants to be told from them, for each channel.
    shape: of what it gives for one picture.
    """

    def __init__(self, file: Path, mean: list[float], deviation: list[float], size: int) -> None:
        super().__init__()
        try:
            content = file.read_bytes()
        except OSError as error:
            raise UserError(f"model.file={file}: {error.strerror}") from None
        self._digest = hashlib.sha256(content + repr((mean, deviation)).encode()).hexdigest()
        if self._digest not in _computing:
            _computing[self._digest] = _Computing(file, mean, deviation)
        self._size = size
        self.shape = _shape(self._digest, size)
        with self.name_scope():
            self.content = self.params.get(
                "content", shape=(len(content),), dtype=np.uint8, init=_Content(content), grad_req="null"
            )

    def hybrid_forward(self, F: Any, pixels: Any, content: Any) -> Any:
        return F.Custom(pixels, content, op_type=OPERATOR, digest=self._digest, size=str(self._size))


class _Content(mx.init.Initializer):  # type: ignore[misc]
    """Fills a parameter with bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    def _init_weight(self, _: Any, values: Any) -> None:
        values[:] = mx.nd.array(np.frombuffer(self._content, np.uint8), dtype=np.uint8)


def pixel_scaling(digest: str) -> tuple[NDArray[np.float32], ...]:
    """What the layer with this digest takes from pixels in 0..1, and divides them by: shape (3, 1, 1) each."""
    return _computing[digest].scaling


@functools.cache
def _shape(digest: str, size: int) -> tuple[int, ...]:
    return tuple(_computing[digest](np.zeros((1, 3, size, size), np.float32)).shape[1:])


class _Operator(mx.operator.CustomOp):  # type: ignore[misc]
    def __init__(self, digest: str) -> None:
        super().__init__()
        self._computing = _computing[digest]

    def forward(self, is_train: bool, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:  # noqa: ARG002
        found = self._computing(in_data[0].asnumpy())
        self.assign(out_data[0], req[0], mx.nd.array(found, ctx=out_data[0].context))

    def backward(self, req: Any, out_grad: Any, in_data: Any, out_data: Any, in_grad: Any, aux: Any) -> None:  # noqa: ARG002
        self.assign(in_grad[0], req[0], mx.nd.zeros_like(in_data[0]))


@mx.operator.register(OPERATOR)
class _Registered(mx.operator.CustomOpProp):  # type: ignore[misc]
    def __init__(self, digest: str, size: str) -> None:
        super().__init__(need_top_grad=False)
        self._digest, self._size = digest, int(size)

    def list_arguments(self) -> list[str]:
        return ["pixels", "content"]

    def infer_type(self, in_type: Any) -> Any:  # noqa: ARG002
        return [np.float32, np.uint8], [np.float32], []

    def infer_shape(self, in_shape: Any) -> Any:
        return in_shape, [[in_shape[0][0], *_shape(self._digest, self._size)]], []

    def create_operator(self, ctx: Any, shapes: Any, dtypes: Any) -> _Operator:  # noqa: ARG002
        return _Operator(self._digest)
