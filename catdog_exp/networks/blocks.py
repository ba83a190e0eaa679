"""Gluon blocks that families of networks are made of.

This module imports MXNet: a family imports it where it builds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from catdog_exp.mx import mx

# Mean and standard deviation of a pixel over photographs (ImageNet's, its three channels together).
PIXEL_MEAN = 114.5
PIXEL_DEVIATION = 57.6


class NormalizePixels(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Pixels in 0..255 to about zero mean and unit deviation; any shape, the same for each channel."""

    def hybrid_forward(self, F: Any, pixels: Any) -> Any:  # noqa: ARG002 - Gluon's signature
        return (pixels - PIXEL_MEAN) / PIXEL_DEVIATION


class BatchNormRelu(mx.gluon.nn.BatchNorm):  # type: ignore[misc]
    """Batch normalization over the channels of (N, C, H, W), then max(0, x).

    fused: compute both as one operator, which MXNet has on the processor alone, and ONNX not at all.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.fused = False

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any) -> Any:
        statistics = (gamma, beta, running_mean, running_var)
        if self.fused:
            return F.contrib.BatchNormWithReLU(x, *statistics, name="fwd", **self._kwargs)
        return F.Activation(super().hybrid_forward(F, x, *statistics), act_type="relu")


class ResidualBlock(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Two 3 × 3 convolutions, added to the block's input; `halve` halves the picture on the way.

    channels: of the output. A halved input goes through a 1 × 1 convolution before it is added.
    """

    def __init__(self, channels: int, *, halve: bool) -> None:
        super().__init__()
        nn = mx.gluon.nn
        strides = 2 if halve else 1
        with self.name_scope():
            self.body = nn.HybridSequential(prefix="")
            self.body.add(
                nn.Conv2D(channels, kernel_size=3, strides=strides, padding=1, use_bias=False),
                BatchNormRelu(),
                nn.Conv2D(channels, kernel_size=3, padding=1, use_bias=False),
                nn.BatchNorm(),
            )
            self.shortcut = None
            if halve:
                self.shortcut = nn.HybridSequential(prefix="")
                self.shortcut.add(nn.Conv2D(channels, kernel_size=1, strides=2, use_bias=False), nn.BatchNorm())

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        carried = x if self.shortcut is None else self.shortcut(x)
        return F.Activation(self.body(x) + carried, act_type="relu")


class PreActivationBlock(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Two 3 × 3 convolutions, each after batch normalization and ReLU, added to the input (He et al., 2016b).

    channels: of input and output. The last convolution starts from zero and the block from the identity.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        nn = mx.gluon.nn
        with self.name_scope():
            self.body = nn.HybridSequential(prefix="")
            self.body.add(
                BatchNormRelu(),
                nn.Conv2D(channels, kernel_size=3, padding=1, use_bias=False),
                BatchNormRelu(),
                nn.Conv2D(channels, kernel_size=3, padding=1, use_bias=False, weight_initializer="zeros"),
            )

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: ARG002 - Gluon's signature
        return x + self.body(x)


class SpatialMean(mx.gluon.HybridBlock):  # type: ignore[misc]
    """The mean over height and width: (N, C, H, W) to (N, C).

    Not MXNet's GlobalAvgPool2D, whose backward pass slows down the batch normalization before it.
    """

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.mean(x, axis=(2, 3))


def fuse_for(context: Any, block: Any) -> None:
    """Let the blocks within `block` use what the processor has fused, where `context` is the processor.

    Before the block's first forward pass.
    """
    fused = context.device_type == "cpu"

    def set_fused(inner: Any) -> None:
        if isinstance(inner, BatchNormRelu):
            inner.fused = fused

    block.apply(set_fused)


def without_dropout(block: Any) -> None:
    """Let dropout within `block` be nothing at all, for use alone: the same numbers, and contexts compute at once.

    Its operator holds the processor's one source of random numbers even where it draws none, and all contexts wait
    for each other there. Before the block's first forward pass.
    """

    def remove(inner: Any) -> None:
        if isinstance(inner, mx.gluon.nn.Dropout):
            inner._rate = 0

    block.apply(remove)


def compute_in(dtype: str, block: Any) -> None:
    """Let convolutions and dense layers within `block` compute in a narrower type, from float32 to float32.

    Their parameters stay float32, and so do the gradients (Micikevicius et al., 2018). Those need no scaling where
    they are of a loss that is summed over a batch, not averaged: that makes them as much larger.
    Before the block's first forward pass.
    """

    # By name NumPy knows bfloat16 only where another package has taught it; this is what MXNet takes it to be.
    narrower = np.dtype([("bfloat16", np.uint16)]) if dtype == "bfloat16" else np.dtype(dtype)

    def narrow(inner: Any) -> None:
        if not isinstance(inner, (mx.gluon.nn.Conv2D, mx.gluon.nn.Dense)):
            return
        wide = inner.hybrid_forward

        def narrowed(F: Any, x: Any, **parameters: Any) -> Any:
            cast = {name: F.amp_cast(values, dtype=narrower) for name, values in parameters.items()}
            return F.amp_cast(wide(F, F.amp_cast(x, dtype=narrower), **cast), dtype="float32")

        inner.hybrid_forward = narrowed

    block.apply(narrow)
