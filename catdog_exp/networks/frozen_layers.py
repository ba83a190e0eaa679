"""The first layers of a network, where training leaves them as they are: they say the same of a picture each time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.mx import mx
from catdog_exp.networks.freezing import frozen
from catdog_exp.networks.network import Network
from catdog_exp.networks.parameters import named_parameters


@dataclass(frozen=True)
class FrozenLayers:
    """So many of a network's layers, from the first on, and their parameters by structural name."""

    network: Network
    classes: int
    count: int
    parameters: Mapping[str, NDArray[Any]]

    def build(self, size: int) -> Any:
        """These layers alone, as a Gluon block that is not yet initialized. size: edge of its input in pixels."""
        return _part(self.network.build(size, self.classes), 0, self.count)

    def digest(self, size: int) -> str:
        """Hexadecimal digits that stand for all that these layers compute."""
        nodes = json.loads(self.build(size)(mx.sym.var("pixels")).tojson())["nodes"]
        # Without the names, which count up as blocks are built.
        graph = [[node["op"], node.get("attrs"), node["inputs"]] for node in nodes]
        digest = hashlib.sha256(json.dumps(graph, sort_keys=True).encode())
        for name in sorted(self.parameters):
            digest.update(np.ascontiguousarray(self.parameters[name]).tobytes())
        return digest.hexdigest()


def frozen_layers(
    network: Network, size: int, classes: int, patterns: Sequence[str], given: Mapping[str, NDArray[Any]]
) -> FrozenLayers | None:
    """The layers below the first one that `patterns` leave to be trained, with their `given` parameters.

    None where there are none, where they would start from drawn weights, or where they give more numbers for a
    picture than it has itself. size: edge of the square input in pixels.
    """
    block = network.build(size, classes)
    if not isinstance(block, mx.gluon.nn.HybridSequential):
        return None
    block.infer_shape(mx.nd.zeros((1, 3, size, size)))
    parameters = named_parameters(block)
    names = frozen(parameters, patterns)
    names |= {name for name, own in parameters.items() if own.dtype == np.uint8}  # a file, and no numbers to train
    count = 0
    for name, layer in block._children.items():
        own = {f"{name}.{inner}" for inner in named_parameters(layer)}
        if _draws(layer) or not own <= names:
            break
        count += 1
    below = _part(block, 0, count)
    needed = {name: tuple(found.shape) for name, found in named_parameters(below).items()}
    fits = all(name in given and given[name].shape == shape for name, shape in needed.items())
    if not needed or not fits:
        return None
    _, (shape,), _ = below(mx.sym.var("pixels")).infer_shape(pixels=(1, 3, size, size))
    if np.prod(shape) > 3 * size * size:
        return None
    return FrozenLayers(network, classes, count, {name: given[name] for name in needed})


def first_layers(
    network: Network, size: int, classes: int, count: int, parameters: Mapping[str, NDArray[Any]]
) -> FrozenLayers:
    """A network's first `count` layers, with those of its `parameters` that are theirs. size: edge of the input."""
    names = named_parameters(_part(network.build(size, classes), 0, count))
    return FrozenLayers(network, classes, count, {name: parameters[name] for name in names})


def layers_above(block: Any, count: int) -> Any:
    """The block without its first `count` layers; those that are left keep their names."""
    return _part(block, count, None) if count else block


def _part(block: Any, start: int, stop: int | None) -> Any:
    part = mx.gluon.nn.HybridSequential()
    for name, layer in list(block._children.items())[start:stop]:
        part.register_child(layer, name)
    return part


def _draws(layer: Any) -> bool:
    """Whether the layer gives something else each time, as dropout does while training."""
    found = []
    layer.apply(lambda inner: found.append(isinstance(inner, mx.gluon.nn.Dropout)))
    return any(found)
