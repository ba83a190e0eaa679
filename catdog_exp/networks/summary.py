"""What a network consists of: its layers, their parameters and multiply-adds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from catdog_exp.mx import mx
from catdog_exp.tables import table

# Operators whose outputs are sums of products with a weight: the only ones whose multiply-adds are counted.
MULTIPLYING = {"Convolution", "Deconvolution", "FullyConnected"}


@dataclass(frozen=True)
class Layer:
    """One operator of a network.

    name: the structural one, as of its parameters in a checkpoint.
    kind: MXNet's name of the operator.
    shape: of its output for one picture.
    parameters: trained ones; running statistics are none.
    multiply_adds: for one picture, forward.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """A network's layers, in the order of computing: those that have parameters or change a shape."""

    layers: list[Layer]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of all convolutions and dense layers for one picture, forward."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def totals(self) -> str:
        """One line: `0.27 M parameters, 41.0 M multiply-adds per picture`."""
        return f"{_short(self.parameters)} parameters, {_short(self.multiply_adds)} multiply-adds per picture"

    def table(self) -> str:
        """All layers, a line each, and the totals."""
        titles = ("layer", "kind", "output", "parameters", "multiply-adds")
        rows = [
            (layer.name, layer.kind, " × ".join(map(str, layer.shape)), f"{layer.parameters:,}", _count(layer))
            for layer in self.layers
        ]
        total = ("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        return "\n".join(table(titles, [*rows, total], right={3, 4}))


def summarize(block: Any, size: int) -> Summary:
    """The summary of a Gluon HybridBlock, initialized or not.

    size: edge of its square input in pixels.
    """
    symbol = block(mx.sym.var("pixels"))
    shapes = _shapes(symbol, size)
    nodes = json.loads(symbol.tojson())["nodes"]
    structural = {parameter.name: name for name, parameter in block._collect_params_with_prefix().items()}
    places = dict(_places(block, ""))
    statistics = set(symbol.list_auxiliary_states())
    statistics |= {each.name for each in block.collect_params().values() if each.dtype == np.uint8}  # a file
    counted: set[str] = set()  # a weight that two layers share counts once
    padded: dict[str, str] = {}  # what stands for a weight that is padded on its way into a layer
    layers = []
    for node in nodes:
        if node["op"] == "null":
            continue
        names = [nodes[source[0]]["name"] for source in node["inputs"]]
        names = [padded.get(name, name) for name in names]
        if node["op"] == "Pad" and names[0] in structural:
            padded[node["name"]] = names[0]
            continue
        own = [name for name in names if name in structural]
        shape, before = shapes[node["name"]], shapes[names[0]]
        if not own and shape == before:
            continue
        name = structural[own[0]].rpartition(".")[0] if own else _place(node["name"], places)
        parameters = sum(math.prod(shapes[fresh]) for fresh in own if fresh not in statistics | counted)
        counted.update(own)
        multiply_adds = _multiply_adds(node["op"], before, shape, shapes[own[0]]) if own else 0
        layers.append(Layer(name, node["op"].removeprefix("_contrib_"), shape[1:], parameters, multiply_adds))
    return Summary(layers)


def _shapes(symbol: Any, size: int) -> dict[str, tuple[int, ...]]:
    """The shape of each variable and of each operator's first output, by name, for one picture."""
    internals = symbol.get_internals()
    _, found, _ = internals.infer_shape(pixels=(1, 3, size, size))
    shapes: dict[str, tuple[int, ...]] = {}
    for output, shape in zip(internals, found, strict=True):
        shapes.setdefault(output.name, tuple(shape))
    return shapes


def _places(block: Any, name: str) -> Iterator[tuple[str, str]]:
    """Gluon's prefix and the structural name of each block within a block."""
    for key, inner in block._children.items():
        inner_name = f"{name}.{key}" if name else key
        yield inner.prefix, inner_name
        yield from _places(inner, inner_name)


def _place(operator: str, places: Mapping[str, str]) -> str:
    """Structural name of the innermost block that an operator's name tells of."""
    around = max((prefix for prefix in places if operator.startswith(prefix)), key=len, default="")
    return places.get(around, operator)


def _multiply_adds(kind: str, inputs: tuple[int, ...], outputs: tuple[int, ...], weight: tuple[int, ...]) -> int:
    if kind not in MULTIPLYING:
        return 0
    # A weight's first axis is the outputs' channels; of a transposed convolution, the inputs'.
    places = inputs if kind == "Deconvolution" else outputs
    return math.prod(places) * math.prod(weight[1:])


def _count(layer: Layer) -> str:
    return f"{layer.multiply_adds:,}" if layer.multiply_adds else ""


def _short(count: int) -> str:
    return f"{count / 1e6:,.2f} M" if count < 1e7 else f"{count / 1e6:,.0f} M"
