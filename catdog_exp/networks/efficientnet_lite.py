"""EfficientNet-Lite, whose weights that learned from ImageNet are to be had: a start that needs few pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from catdog_exp.networks.network import Network

# Of Tan and Le, 2019, table 1: blocks, kernel, stride, widening and channels of each stage, before they are scaled.
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192)]
STAGES.append((1, 3, 1, 6, 320))
STEM, TOP = 32, 1280  # channels of the first and the last convolution, which the Lite ones do not scale
SCALES = [(1.0, 1.0), (1.0, 1.1), (1.1, 1.2)]  # of channels and of blocks, by variant


@dataclass(frozen=True)
class EfficientNetLite(Network):
    """Inverted residual blocks of depthwise convolutions; `layers` is the variant, Lite0 to Lite2.

    Its layers are called stem, stage1 to stage7, top and output, those in a stage by their number.
    Keys: conf/model/efficientnet_lite.yaml.
    """

    layers: Annotated[int, Field(ge=0, le=2)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    any_size: ClassVar[bool] = True

    def check(self, size: int) -> None:
        """Any size can be built."""

    def build(self, size: int, classes: int) -> Any:
        from catdog_exp.mx import mx
        from catdog_exp.networks.blocks import SpatialMean
        from catdog_exp.networks.inverted_residuals import ConvNorm, InvertedResidual, ScalePixels

        nn = mx.gluon.nn
        network = nn.HybridSequential()
        network.register_child(ScalePixels(), "scale")
        network.register_child(ConvNorm(3, STEM, 3, 2, size, bounded=True), "stem")
        size, channels = -(-size // 2), STEM
        for number, stage in enumerate(self.stages(), 1):
            blocks = nn.HybridSequential()
            for kernel, stride, widened, own in stage:
                blocks.add(InvertedResidual(channels, own, kernel, stride, widened, size))
                size, channels = -(-size // stride), own
            network.register_child(blocks, f"stage{number}")
        network.register_child(ConvNorm(channels, TOP, 1, 1, size, bounded=True), "top")
        network.register_child(SpatialMean(), "mean")
        if self.dropout:
            network.register_child(nn.Dropout(self.dropout), "dropout")
        network.register_child(nn.Dense(classes), "output")
        return network

    def stages(self) -> Iterator[list[tuple[int, int, int, int]]]:
        """Kernel, stride, widening and channels of each block, stage by stage."""
        wider, deeper = SCALES[self.layers]
        for number, (blocks, kernel, stride, widened, channels) in enumerate(STAGES):
            # The first and the last stage keep their number of blocks.
            count = blocks if number in (0, len(STAGES) - 1) else math.ceil(blocks * deeper)
            own = _rounded(channels * wider)
            yield [(kernel, stride if block == 0 else 1, widened, own) for block in range(count)]


def _rounded(channels: float) -> int:
    """To a multiple of 8, and not by more than a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
