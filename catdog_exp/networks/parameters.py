"""A Gluon network's parameters by the place they have in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.mx import mx


def restore(block: Any, parameters: Mapping[str, NDArray[Any]]) -> None:
    """Put parameters into a block whose shapes are settled, on each of its contexts.

    Raises UserError when names or shapes are not the block's.
    """
    own = named_parameters(block)
    for name in sorted(own.keys() ^ parameters.keys()):
        raise UserError(f"the checkpoint's parameters are not this network's: {name} is on one side only")
    for name, parameter in own.items():
        if parameter.shape != parameters[name].shape:
            raise UserError(
                f"the checkpoint's parameters are not this network's: {name} has shape "
                f"{parameters[name].shape}, the network needs {parameter.shape}"
            )
        parameter.set_data(mx.nd.array(parameters[name], dtype=parameters[name].dtype))


def named_parameters(block: Any) -> dict[str, Any]:
    """The block's Gluon parameters by structural name."""
    # Gluon's own save_parameters names them by this method: stable between processes, unlike their prefixes.
    found: dict[str, Any] = block._collect_params_with_prefix()
    return found
