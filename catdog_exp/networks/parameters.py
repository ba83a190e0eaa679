"""A Gluon network's parameters as NumPy arrays, out and in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.mx import mx


def arrays(block: Any) -> dict[str, NDArray[Any]]:
    """Copies of the block's parameters by structural name, running statistics included."""
    return {name: parameter.data().asnumpy() for name, parameter in _parameters(block).items()}


def restore(block: Any, parameters: Mapping[str, NDArray[Any]], size: int, context: Any) -> None:
    """Put parameters into a newly built block, on a context.

    size: edge of the block's square input in pixels.
    Raises UserError when names or shapes are not the block's.
    """
    block.initialize(ctx=context)
    block(mx.nd.zeros((1, 3, size, size), ctx=context))  # the shapes follow from the first input
    own = _parameters(block)
    for name in sorted(own.keys() ^ parameters.keys()):
        raise UserError(f"the checkpoint's parameters are not this network's: {name} is on one side only")
    for name, parameter in own.items():
        if parameter.shape != parameters[name].shape:
            raise UserError(
                f"the checkpoint's parameters are not this network's: {name} has shape "
                f"{parameters[name].shape}, the network needs {parameter.shape}"
            )
        parameter.set_data(mx.nd.array(parameters[name], ctx=context, dtype=parameters[name].dtype))


def _parameters(block: Any) -> dict[str, Any]:
    # Gluon's own save_parameters names them by this method: stable between processes, unlike their prefixes.
    found: dict[str, Any] = block._collect_params_with_prefix()
    return found
