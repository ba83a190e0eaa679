"""Residual networks that learn much from small photographs per second of a processor.

What they leave out is what oneDNN is slow at, so that almost all of their time goes to 3 × 3 convolutions, at the
processor's peak where channels are multiples of 16:
- every group begins with a convolution and a max-pool: shortcuts need no convolution, and the blocks never work at full
  size (a strided first convolution would save a twentieth more, and seemed less accurate);
- each batch normalization stands before ReLU, as one operator with it, and nothing else follows an addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from catdog_exp.networks.network import Network


@dataclass(frozen=True)
class FastNet(Network):
    """`groups` groups of a convolution, a max-pool and residual blocks, `layers` blocks in all; a dense layer.

    Keys: conf/model/fastnet.yaml.
    """

    width: Annotated[int, Field(ge=1, le=4096)]
    groups: Annotated[int, Field(ge=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    any_size: ClassVar[bool] = True

    def check(self, size: int) -> None:
        halvings = size.bit_length() - 1
        if self.groups > halvings:
            raise ValueError(
                f"groups={self.groups}: each group halves the picture, so {size} pixels allow 1 to {halvings}"
            )

    def build(self, size: int, classes: int) -> Any:  # noqa: ARG002 - shapes come from the first input
        from catdog_exp.mx import mx
        from catdog_exp.networks.blocks import BatchNormRelu, NormalizePixels, PreActivationBlock, SpatialMean

        nn = mx.gluon.nn
        network = nn.HybridSequential()
        network.add(NormalizePixels())
        for group, blocks in enumerate(self._blocks()):
            channels = self.width * 2**group
            if group > 0:
                network.add(BatchNormRelu())
            network.add(nn.Conv2D(channels, kernel_size=3, padding=1, use_bias=False))
            network.add(nn.MaxPool2D(pool_size=2, strides=2))
            for _ in range(blocks):
                network.add(PreActivationBlock(channels))
        network.add(BatchNormRelu(), SpatialMean())
        if self.dropout:
            network.add(nn.Dropout(self.dropout))
        network.add(nn.Dense(classes))
        return network

    def _blocks(self) -> list[int]:
        """Blocks of each group: the same number, and one more in the last groups where that leaves some over."""
        each, over = divmod(self.layers, self.groups)
        return [each + (group >= self.groups - over) for group in range(self.groups)]
