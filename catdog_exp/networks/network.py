"""What every family of networks gives: a network built from its layer count."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from numpy.typing import NDArray
from pydantic import Field


@dataclass(frozen=True)
class Network(ABC):
    """A family of networks. A subclass is a frozen dataclass; its fields are its YAML keys.

    layers: the layer count; what it counts, each family says in its YAML file.
    """

    layers: Annotated[int, Field(ge=1)]

    # Whether its parameters do not depend on the pictures' size, so that it can be trained at one and used at another.
    any_size: ClassVar[bool] = False

    @abstractmethod
    def check(self, size: int) -> None:
        """Raise ValueError, one line that starts with the key (`layers=9: …`), when this cannot be built.

        size: edge of the square input in pixels.
        """

    @abstractmethod
    def build(self, size: int, classes: int) -> Any:
        """The Gluon HybridBlock, not yet initialized.

        Its input is float32 RGB in 0..255, shape (N, 3, size, size); it normalizes by itself.
        Its output is logits, shape (N, classes).
        """

    def check_weights(self, size: int) -> None:  # noqa: B027 - most networks bring none
        """Raise UserError when the `weights` are not there or of no use. size: edge of the square input in pixels."""

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """Parameters that it brings with it, by structural name: none, but for a network around another one's file."""
        return {}

    def with_weights(self, parameters: Mapping[str, NDArray[Any]], cache: Path) -> Network:  # noqa: ARG002
        """This network with the `weights` among a checkpoint's parameters. cache: a folder to put them into."""
        return self
