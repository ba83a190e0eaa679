"""Plain convolutional networks: stages of convolution and max-pool, then dense layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from catdog_exp.networks.network import Network


@dataclass(frozen=True)
class Cnn(Network):
    """`layers` stages of convolution and max-pool, then dense layers. Keys: conf/model/cnn.yaml."""

    width: Annotated[int, Field(ge=1, le=4096)]
    dense: list[Annotated[int, Field(ge=1)]]
    batch_norm: bool
    dropout: Annotated[float, Field(ge=0, lt=1)]

    def check(self, size: int) -> None:
        halvings = size.bit_length() - 1
        if self.layers > halvings:
            raise ValueError(
                f"layers={self.layers}: each layer halves the picture, so {size} pixels allow 1 to {halvings}"
            )

    def build(self, size: int, classes: int) -> Any:  # noqa: ARG002 - shapes come from the first input
        from catdog_exp.mx import mx
        from catdog_exp.networks.blocks import BatchNormRelu, NormalizePixels

        nn = mx.gluon.nn
        network = nn.HybridSequential()
        network.add(NormalizePixels())
        for stage in range(self.layers):
            channels = self.width * 2**stage
            if self.batch_norm:
                network.add(nn.Conv2D(channels, kernel_size=3, padding=1, use_bias=False), BatchNormRelu())
            else:
                network.add(nn.Conv2D(channels, kernel_size=3, padding=1, activation="relu"))
            network.add(nn.MaxPool2D(pool_size=2, strides=2))
        network.add(nn.Flatten())
        for units in self.dense:
            self._add_dropout(network)
            network.add(nn.Dense(units, activation="relu"))
        self._add_dropout(network)
        network.add(nn.Dense(classes))
        return network

    def _add_dropout(self, network: Any) -> None:
        from catdog_exp.mx import mx

        if self.dropout:
            network.add(mx.gluon.nn.Dropout(self.dropout))
