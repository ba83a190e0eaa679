"""A checkpoint back as a network that classifies."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from catdog_exp.batches.batches import full_batches
from catdog_exp.errors import UserError
from catdog_exp.mx import context, mx
from catdog_exp.networks.blocks import fuse_for
from catdog_exp.networks.parameters import restore
from catdog_exp.training.checkpoint import Checkpoint, load_checkpoint


class Classifier:
    """A trained network on a device. Made by `Classifier.load`.

    checkpoint: what it was made from.
    classes: names by label.
    size: edge of the square input in pixels.
    """

    def __init__(self, checkpoint: Checkpoint, block: Any, context: Any, batch_size: int) -> None:
        self.checkpoint = checkpoint
        self.classes = checkpoint.classes
        self.size = checkpoint.size
        self._block = block
        self._context = context
        self._batch_size = batch_size

    @classmethod
    def load(cls, checkpoint: Path, device: Literal["cpu", "gpu", "auto"] = "cpu", batch_size: int = 64) -> Classifier:
        """The network in a checkpoint file, from that file alone.

        Raises UserError when the file is missing, damaged or not a checkpoint, when its parameters are not
        its network's, or when the device cannot be used.
        """
        found = load_checkpoint(checkpoint)
        place = context(device)
        block = found.network.build(found.size, len(found.classes))
        fuse_for(place, block)
        try:
            restore(block, found.parameters, found.size, place)
        except UserError as error:
            raise UserError(f"{checkpoint}: {error}") from None
        block.hybridize(static_alloc=True)
        return cls(found, block, place, batch_size)

    def probabilities(self, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Each class's probability for each picture, float32 (N, classes), rows sum to 1.

        squares: uint8 RGB of shape (N, size, size, 3).
        """
        expected = (self.size, self.size, 3)
        if squares.shape[1:] != expected or squares.dtype != np.uint8:
            raise ValueError(f"squares must be uint8 of shape (N, {self.size}, {self.size}, 3)")
        found = np.empty((len(squares), len(self.classes)), np.float32)
        batch_size = max(1, min(self._batch_size, len(squares)))
        for step, (batch, count) in enumerate(full_batches(squares, batch_size)):
            inputs = mx.nd.array(batch, ctx=self._context, dtype=np.uint8).astype(np.float32)
            probabilities = mx.nd.softmax(self._block(inputs)).asnumpy()
            found[step * batch_size : step * batch_size + count] = probabilities[:count]
        return found
