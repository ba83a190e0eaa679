"""A checkpoint back as a network that classifies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from catdog_exp.data.batches import full_batches, plain_batches
from catdog_exp.data.features import FeaturedPictures
from catdog_exp.errors import UserError
from catdog_exp.networks.forward import Forward
from catdog_exp.networks.frozen_layers import first_layers, layers_above
from catdog_exp.networks.network import Network
from catdog_exp.training.checkpoint import Checkpoint, load_checkpoint

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures


class Classifier:
    """A trained network on a device. Made by `Classifier.load` or `Classifier.of`.

    checkpoint: what it was made from.
    network: the family that `checkpoint` names, with the weights that it brings.
    classes: names by label.
    size: edge of the square input in pixels.
    on: puts a Gluon block, given with the shape of its input for one picture, onto the device.
    """

    def __init__(self, checkpoint: Checkpoint, on: Callable[[Any, tuple[int, ...]], Forward]) -> None:
        self.checkpoint = checkpoint
        self.classes = checkpoint.classes
        self.size = checkpoint.size
        self.network = checkpoint.network.with_weights(checkpoint.parameters, user_cache_path("catdog_exp"))
        self.on = on
        self._forward = on(self.build(), (3, self.size, self.size))
        self._forward.keep(checkpoint.parameters)

    @classmethod
    def load(
        cls,
        checkpoint: Path,
        device: Literal["cpu", "gpu", "auto"] = "cpu",
        batch_size: int = 64,
        threads: int = 1,
        own: type[Network] | None = None,
    ) -> Classifier:
        """The network in a checkpoint file, from that file alone. threads: batches computed at once.

        own: as `load_checkpoint` takes it.

        Raises UserError when the file is missing, damaged or not a checkpoint, when its parameters are not
        its network's, or when the device cannot be used.
        """
        found = load_checkpoint(checkpoint, own)
        try:
            return cls.of(found, device, batch_size, threads)
        except UserError as error:
            raise UserError(f"{checkpoint}: {error}") from None

    @classmethod
    def of(
        cls, checkpoint: Checkpoint, device: Literal["cpu", "gpu", "auto"], batch_size: int, threads: int
    ) -> Classifier:
        """The network in a checkpoint; otherwise as `load`."""
        return cls(checkpoint, partial(Forward, device=device, batch_size=batch_size, threads=threads))

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Each class's probability for each picture, float32 (N, classes), rows sum to 1.

        crops: uint8 RGB of shape (N, size, size, 3).
        """
        expected = (self.size, self.size, 3)
        if crops.shape[1:] != expected or crops.dtype != np.uint8:
            raise ValueError(f"crops must be uint8 of shape (N, {self.size}, {self.size}, 3)")
        batches = full_batches(crops, self._batch_size(len(crops)), mirrored=self.checkpoint.mirrored)
        return self._softmax(batches, len(crops), self._forward)

    def probabilities_of(self, pictures: DecodedPictures) -> NDArray[np.float32]:
        """As `probabilities`, of the pictures' center crops; they are never all in memory.

        Where it is known what this network's first layers give for them, only the others are computed.
        """
        forward = self._forward
        if isinstance(pictures, FeaturedPictures) and self._has_computed(pictures):
            forward = self.on(layers_above(self.build(), pictures.layers), pictures.values.shape[2:])
            forward.keep({name: self.checkpoint.parameters[name] for name in forward.names})
        elif isinstance(pictures, FeaturedPictures):
            pictures = pictures.pictures
        batches = plain_batches(pictures, self._batch_size(len(pictures)), mirrored=self.checkpoint.mirrored)
        return self._softmax(batches, len(pictures), forward)

    def build(self) -> Any:
        """The whole network as a Gluon block that is not yet initialized."""
        return self.network.build(self.size, len(self.classes))

    def _has_computed(self, pictures: FeaturedPictures) -> bool:
        """Whether it is this network's first layers, shown the pictures in as many views, that gave the features."""
        found = self.checkpoint
        below = first_layers(self.network, self.size, len(self.classes), pictures.layers, found.parameters)
        return len(pictures.values) == 1 + found.mirrored and below.digest(self.size) == pictures.computed_by

    def _batch_size(self, pictures: int) -> int:
        return max(1, min(self._forward.batch_size, pictures))

    def _softmax(self, batches: Iterator[NDArray[Any]], pictures: int, forward: Forward) -> NDArray[np.float32]:
        logits = list(forward.outputs(batches)) or [np.empty((0, len(self.classes)), np.float32)]
        shifted = np.concatenate(logits)[:pictures].astype(np.float64)
        exponents = np.exp(shifted - shifted.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
        return probabilities
