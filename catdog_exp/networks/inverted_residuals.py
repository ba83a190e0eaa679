"""Gluon blocks of EfficientNet-Lite. This module imports MXNet: the family imports it where it builds."""

from __future__ import annotations

from typing import Any

from catdog_exp.mx import mx

EPSILON = 1e-3  # of normalization, as these weights were trained
BOUND = 6  # of the activations


class ScalePixels(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Pixels in 0..255 to about -1..1, as EfficientNet-Lite's weights want them."""

    def hybrid_forward(self, F: Any, pixels: Any) -> Any:  # noqa: ARG002 - Gluon's signature
        return (pixels - 127) / 128


class SamePadding(mx.gluon.nn.Conv2D):  # type: ignore[misc]
    """A convolution padded as TensorFlow does by "SAME": where the padding is odd, one more at the lower right.

    size: edge of the square input. MXNet pads both sides alike, so such a kernel gets a first row and column of
    zeros, which costs less than padding the input.
    """

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int, size: int, groups: int) -> None:
        padding = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        super().__init__(channels, kernel, stride, -(-padding // 2), groups=groups, use_bias=False, in_channels=inputs)
        self._uneven = padding % 2
        if self._uneven:
            self._kwargs["kernel"] = (kernel + 1, kernel + 1)

    def hybrid_forward(self, F: Any, x: Any, weight: Any) -> Any:
        if self._uneven:
            weight = F.pad(weight, mode="constant", pad_width=(0, 0, 0, 0, 1, 0, 1, 0))
        return F.Convolution(x, weight, name="fwd", **self._kwargs)


class ConvNorm(mx.gluon.HybridBlock):  # type: ignore[misc]
    """A convolution and its batch normalization; `bounded`: then cut to 0..6.

    size: edge of the square input in pixels.
    """

    def __init__(
        self, inputs: int, channels: int, kernel: int, stride: int, size: int, *, groups: int = 1, bounded: bool = False
    ) -> None:
        super().__init__()
        self._bounded = bounded
        with self.name_scope():
            self.conv = SamePadding(inputs, channels, kernel, stride, size, groups)
            self.norm = mx.gluon.nn.BatchNorm(epsilon=EPSILON)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        normalized = self.norm(self.conv(x))
        return F.clip(normalized, 0, BOUND) if self._bounded else normalized


class InvertedResidual(mx.gluon.HybridBlock):  # type: ignore[misc]
    """A block that is wider within than without (Sandler et al., 2018): widened, each channel convolved, narrowed.

    inputs, channels: before and after; where they are alike, and the stride is 1, the input is added at the end.
    """

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int, widened: int, size: int) -> None:
        super().__init__()
        self._adds = stride == 1 and inputs == channels
        wide = inputs * widened
        with self.name_scope():
            self.expand = ConvNorm(inputs, wide, 1, 1, size, bounded=True) if widened > 1 else None
            self.depthwise = ConvNorm(wide, wide, kernel, stride, size, groups=wide, bounded=True)
            self.project = ConvNorm(wide, channels, 1, 1, -(-size // stride))

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: ARG002 - Gluon's signature
        inner = x if self.expand is None else self.expand(x)
        narrowed = self.project(self.depthwise(inner))
        return x + narrowed if self._adds else narrowed
