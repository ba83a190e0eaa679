"""A network that gives logits alone, of several batches at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from catdog_exp.mx import context, mx, side_by_side
from catdog_exp.networks.blocks import fuse_for, without_dropout
from catdog_exp.networks.network import Network
from catdog_exp.networks.parameters import restore

ON_PROCESSOR = 16  # pictures of a batch


class Forward:
    """A network in use. What it gives depends on its parameters and on the batch size, not on the threads.

    batch_size: how many pictures a batch is best to have.
    """

    def __init__(
        self,
        network: Network,
        size: int,
        classes: int,
        device: Literal["cpu", "gpu", "auto"],
        batch_size: int,
        threads: int,
        *,
        mirrored: bool,
    ) -> None:
        """`use` gives it its parameters.

        size: edge of the square input in pixels. classes: their number. threads: batches computed at once.
        batch_size: pictures of a batch on a GPU; the processor is as quick with fewer, which need less memory.
        mirrored: logits are the mean of those of a picture and of its mirror image.
        Raises UserError when the device cannot be used.
        """
        self._size = size
        self._mirrored = mirrored
        place = context(device)
        self.batch_size = min(batch_size, ON_PROCESSOR) if place.device_type == "cpu" else batch_size
        self._contexts = side_by_side(place, threads)
        self._block = network.build(size, classes)
        fuse_for(self._contexts[0], self._block)
        without_dropout(self._block)
        self._block.initialize(ctx=self._contexts)
        self._block(mx.nd.zeros((1, 3, size, size), ctx=self._contexts[0]))  # the first input settles shapes
        self._block.hybridize(static_alloc=True, static_shape=True)

    def use(self, parameters: Mapping[str, NDArray[Any]]) -> None:
        """Compute with these parameters from now on. Raises UserError when they are not this network's."""
        restore(self._block, parameters)

    def logits(self, batches: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        """Logits (N, classes) of each batch, in order. batches: uint8 RGB, all of one shape (N, 3, size, size)."""
        under_way: deque[list[Any]] = deque()
        for number, batch in enumerate(batches):
            place = self._contexts[number % len(self._contexts)]
            views = [batch, batch[..., ::-1]] if self._mirrored else [batch]
            inputs = [mx.nd.array(view, ctx=place, dtype=np.uint8).astype(np.float32) for view in views]
            # A block's second call writes where its first one's answer lies, so that is copied.
            under_way.append([self._block(pixels).copy() for pixels in inputs])
            if len(under_way) >= len(self._contexts):
                yield _mean(under_way.popleft())
        while under_way:
            yield _mean(under_way.popleft())


def _mean(logits: list[Any]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.mean([values.asnumpy() for values in logits], axis=0, dtype=np.float32)
    return found
