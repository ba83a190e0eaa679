"""A network, or some layers of one, in use: what it gives, of several batches at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from catdog_exp.mx import context, mx, side_by_side
from catdog_exp.networks.blocks import fuse_for, without_dropout
from catdog_exp.networks.parameters import named_parameters, restore

ON_PROCESSOR = 16  # pictures of a batch
VECTORS = 256  # of a batch, where a picture is some numbers that a matrix or two take: calls cost more than they do


class Forward:
    """A block in use. What it gives depends on its parameters and on the batch size, not on the threads.

    batch_size: how many pictures a batch is best to have.
    """

    def __init__(
        self,
        block: Any,
        shape: tuple[int, ...],
        device: Literal["cpu", "gpu", "auto"],
        batch_size: int,
        threads: int,
    ) -> None:
        """`use` gives it its parameters.

        block: a Gluon HybridBlock, not yet initialized. shape: of what it is given for one picture.
        threads: batches computed at once. batch_size: pictures of a batch on a GPU; the processor is as quick with
        fewer, which need less memory.
        Raises UserError when the device cannot be used.
        """
        place = context(device)
        self.batch_size = batch_size
        if place.device_type == "cpu":
            self.batch_size = VECTORS if len(shape) == 1 else min(batch_size, ON_PROCESSOR)
        self._contexts = side_by_side(place, threads)
        self._block, self._shape = block, shape
        fuse_for(self._contexts[0], self._block)
        without_dropout(self._block)
        self._block.initialize(ctx=self._contexts)
        self._block(mx.nd.zeros((1, *shape), ctx=self._contexts[0]))  # the first input settles shapes
        self._block.hybridize(static_alloc=True, static_shape=True)

    @property
    def names(self) -> list[str]:
        """Structural names of its parameters."""
        return list(named_parameters(self._block))

    def use(self, parameters: Mapping[str, NDArray[Any]]) -> None:
        """Compute with these parameters from now on. Raises UserError when they are not this block's."""
        restore(self._block, parameters)

    def keep(self, parameters: Mapping[str, NDArray[Any]]) -> None:
        """As `use`, for good: on the processor convolutions are fused with what follows, to other last digits."""
        self.use(parameters)
        if self._contexts[0].device_type == "cpu":
            batch = mx.nd.zeros((self.batch_size, *self._shape), ctx=self._contexts[0])
            self._block.optimize_for(batch, backend="MKLDNN", static_alloc=True, static_shape=True)

    def outputs(self, batches: Iterable[NDArray[Any]]) -> Iterator[NDArray[np.float32]]:
        """What the block gives for each batch, in order: for each picture the mean over its views.

        batches: all of one shape (views, N, *shape), numbers of any type.
        """
        under_way: deque[list[Any]] = deque()
        for number, views in enumerate(batches):
            place = self._contexts[number % len(self._contexts)]
            inputs = [mx.nd.array(view, ctx=place, dtype=view.dtype).astype(np.float32) for view in views]
            # A block's second call writes where its first one's answer lies, so that is copied.
            under_way.append([self._block(pixels).copy() for pixels in inputs])
            if len(under_way) >= len(self._contexts):
                yield _mean(under_way.popleft())
        while under_way:
            yield _mean(under_way.popleft())


def _mean(outputs: list[Any]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.mean([values.asnumpy() for values in outputs], axis=0, dtype=np.float32)
    return found
