"""A network's parameters as parts of a few flat arrays: one operator then works on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.mx import mx

ALIGNMENT = 16  # float32 numbers: each parameter starts on a 64-byte line, as vector instructions like it


class FlatParameters:
    """Some parameters of a block, in one flat float32 array on each of its contexts.

    arrays: one for each context, in their order, shape (total,); unused numbers between parameters stay 0.
    gradients: the same for the gradients, or empty for parameters that have none.
    places: where each parameter lies in them, and its shape, by structural name.
    """

    def __init__(self, parameters: Mapping[str, Any], contexts: list[Any], *, with_gradients: bool) -> None:
        self.places: dict[str, tuple[slice, tuple[int, ...]]] = {}
        self.total = 0
        for name, parameter in parameters.items():
            length = int(np.prod(parameter.shape))
            self.places[name] = (slice(self.total, self.total + length), tuple(parameter.shape))
            self.total += -(-length // ALIGNMENT) * ALIGNMENT
        shape = (max(1, self.total),)
        self.arrays = [mx.nd.zeros(shape, ctx=context) for context in contexts]
        self.gradients = [mx.nd.zeros(shape, ctx=context) for context in contexts] if with_gradients else []
        for name, parameter in parameters.items():
            self._move_in(name, parameter)

    def _move_in(self, name: str, parameter: Any) -> None:
        """Let the parameter's arrays be views of the flat ones. Before the block's first hybrid call."""
        place, shape = self.places[name]
        views = [flat[place].reshape(shape) for flat in self.arrays]
        for view, value in zip(views, parameter.list_data(), strict=True):
            view[:] = value
        parameter._data = views
        if self.gradients:
            parameter._grad = [flat[place].reshape(shape) for flat in self.gradients]
            mx.autograd.mark_variables(views, parameter._grad, parameter.grad_req)

    def spread(self) -> None:
        """Copy the first context's array to the others."""
        for other in self.arrays[1:]:
            self.arrays[0].copyto(other)

    def named(self, flat: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The parameters in an array laid out as these are, by structural name."""
        return {name: flat[place].reshape(shape).copy() for name, (place, shape) in self.places.items()}
