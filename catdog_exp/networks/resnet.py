"""Residual networks for small pictures (He, Zhang, Ren and Sun, 2016, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from catdog_exp.networks.network import Network

GROUPS = 3
MOST_LAYERS = 110


@dataclass(frozen=True)
class ResNet(Network):
    """A convolution, three groups of n blocks of two convolutions each, and a dense layer: 6n + 2 layers.

    Shortcuts that change the shape are a 1 × 1 convolution, the paper's option B, and are not counted.
    Keys: conf/model/resnet.yaml.
    """

    width: Annotated[int, Field(ge=1, le=4096)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    any_size: ClassVar[bool] = True

    def check(self, size: int) -> None:  # noqa: ARG002 - any size can be built
        if self.layers > MOST_LAYERS or self.layers < 8 or self.layers % 6 != 2:
            raise ValueError(
                f"layers={self.layers}: a residual network has 6n + 2 layers: 8, 14, 20, 26, 32, … up to {MOST_LAYERS}"
            )

    def build(self, size: int, classes: int) -> Any:  # noqa: ARG002 - shapes come from the first input
        from catdog_exp.mx import mx
        from catdog_exp.networks.blocks import BatchNormRelu, NormalizePixels, ResidualBlock, SpatialMean

        nn = mx.gluon.nn
        network = nn.HybridSequential()
        network.add(NormalizePixels())
        network.add(nn.Conv2D(self.width, kernel_size=3, padding=1, use_bias=False), BatchNormRelu())
        blocks = (self.layers - 2) // (2 * GROUPS)
        channels = self.width
        for group in range(GROUPS):
            for block in range(blocks):
                halve = group > 0 and block == 0
                network.add(ResidualBlock(channels * 2**group, halve=halve))
        network.add(SpatialMean())
        if self.dropout:
            network.add(nn.Dropout(self.dropout))
        network.add(nn.Dense(classes))
        return network
