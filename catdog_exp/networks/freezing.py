"""Layers that training leaves as they are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.networks.network import Network


def frozen(names: Iterable[str], patterns: Sequence[str]) -> set[str]:
    """Those of a network's parameters that patterns such as `4`, `4.body.*` or `*.gamma` name.

    names: structural names (`4.body.0.weight`). A pattern, with `*`, `?` and `[…]`, names a parameter, or a layer
    and with it all that is in it.
    Raises UserError when a pattern names none.
    """
    places = {name: {name, *_layers(name)} for name in names}
    found: set[str] = set()
    for pattern in patterns:
        named = {name for name, own in places.items() if any(fnmatchcase(place, pattern) for place in own)}
        if not named:
            known = sorted(set().union(*places.values()))
            near = difflib.get_close_matches(pattern, known, n=1, cutoff=0.3)
            instead = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise UserError(f"train.freeze: the network has no layer or parameter {pattern}; {instead}")
        found |= named
    return found


def check_patterns(network: Network, size: int, patterns: Sequence[str]) -> None:
    """Raise UserError as `freeze` does, for a network that is not there yet. size: edge of its input in pixels."""
    freeze(network.build(size, classes=2), patterns)


def freeze(block: Any, patterns: Sequence[str]) -> set[str]:
    """Let training leave the parameters of a Gluon block that `patterns` name as they are; their names.

    Batch normalization whose scale is frozen normalizes by its running statistics, in training too, and
    keeps them: a frozen layer computes the same before and after. Before the block is hybridized.
    Raises UserError when a pattern names none, or nothing would be left to train.
    """
    parameters = block._collect_params_with_prefix()
    names = frozen(parameters, patterns)
    for name in names:
        parameters[name].grad_req = "null"
    if all(parameter.grad_req == "null" for parameter in parameters.values()):
        raise UserError(f"train.freeze={','.join(patterns)}: this leaves nothing to train")
    kept = {parameters[name] for name in names}

    def keep_statistics(layer: Any) -> None:
        if isinstance(layer, mx.gluon.nn.BatchNorm) and layer.gamma in kept:
            layer._kwargs["use_global_stats"] = True

    block.apply(keep_statistics)
    return names


def _layers(name: str) -> Iterator[str]:
    """The layers that a parameter is in: `4` and `4.body` of `4.body.weight`."""
    parts = name.split(".")
    return (".".join(parts[:depth]) for depth in range(1, len(parts)))
