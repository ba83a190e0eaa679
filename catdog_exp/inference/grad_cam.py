"""Where in a picture a network saw the class that it says: Grad-CAM (Selvaraju et al., 2017).

The last convolution's channels, each weighted by the mean gradient that the class's logit has in it, summed and cut at
0. It is as coarse as that convolution's output, and shows what speaks for the class, not what speaks against it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from catdog_exp.data.batches import full_batches
from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.mx import mx
from catdog_exp.networks.blocks import without_dropout
from catdog_exp.networks.forward import Forward
from catdog_exp.networks.frozen_layers import first_layers, layers_above
from catdog_exp.networks.parameters import named_parameters, restore


class NoHeatMap(UserError):
    """The network has no output with height and width to draw a heat map from; the line says why."""


def heat_maps(classifier: Classifier, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much each place of each picture speaks for the class that the network says of it.

    squares: uint8 RGB of shape (N, size, size, 3), as `Classifier.probabilities` takes them.

    Returns float32 of shape (N, size, size), 0..1: each map's highest value is 1, and one is 0 all over where no place
    speaks for the class. A network that is asked with mirror images is so here.
    Raises NoHeatMap where none can be drawn.
    """
    below, above = _layers_in_use(classifier)
    mirrored = classifier.checkpoint.mirrored
    batches = full_batches(squares, max(1, min(below.batch_size, len(squares))), mirrored=mirrored)
    outputs = below.outputs(view[np.newaxis] for views in batches for view in views)
    coarse = [one for views in zip(*[outputs] * (1 + mirrored), strict=True) for one in _cams(above, views)]
    maps = np.zeros(squares.shape[:3], np.float32)
    for own, cam in zip(maps, coarse, strict=False):  # the last batch is filled up
        cv2.resize(cam, own.shape[::-1], dst=own, interpolation=cv2.INTER_CUBIC)
    maps = np.maximum(maps, 0)
    highest: NDArray[np.float32] = maps.max(axis=(1, 2), keepdims=True, initial=0)
    return np.divide(maps, highest, out=maps, where=highest > 0)


@functools.lru_cache(maxsize=2)
def _layers_in_use(classifier: Classifier) -> tuple[Forward, Any]:
    """The classifier's layers to the last map, on its device, and those above, on the processor."""
    block, size = classifier.build(), classifier.size
    count, shape = _last_map(block, size)
    parameters = classifier.checkpoint.parameters
    first = first_layers(classifier.network, size, len(classifier.classes), count, parameters)
    below = classifier.on(first.build(size), (3, size, size))
    below.keep(first.parameters)
    above = layers_above(block, count)
    without_dropout(above)
    above.apply(_keep_statistics)
    above.initialize()
    above(mx.nd.zeros(shape))  # the first input settles shapes
    restore(above, {name: values for name, values in parameters.items() if name not in first.parameters})
    return below, above


def _keep_statistics(layer: Any) -> None:
    if isinstance(layer, mx.gluon.nn.BatchNorm):
        layer._kwargs["use_global_stats"] = True


def _last_map(block: Any, size: int) -> tuple[int, tuple[int, ...]]:
    """How many layers there are to the last one that has parameters and gives height and width, and what it gives.

    With what follows it and keeps the shape, as an activation does.
    """
    if not isinstance(block, mx.gluon.nn.HybridSequential):
        raise NoHeatMap("no heat map can be drawn: the network is no HybridSequential, one layer after the other")
    layers = list(block._children.values())
    shapes, output = list[tuple[int, ...]](), mx.sym.var("pixels")
    for layer in layers:
        output = layer(output)
        shapes.append(output.infer_shape(pixels=(1, 3, size, size))[1][0])
    places = [place for place, layer in enumerate(layers) if len(shapes[place]) == 4 and named_parameters(layer)]
    if not places:
        raise NoHeatMap(
            "no heat map can be drawn: no layer of the network gives height and width; an ONNX file "
            "(model=onnx_backbone) does where it is exported without the pooling at its end"
        )
    last = places[-1]
    while shapes[last + 1] == shapes[last]:
        last += 1
    return last + 1, shapes[last]


def _cams(above: Any, views: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """A batch's maps, cut at 0, shape (N, height, width). views: the output below, and of the mirrored pictures."""
    outputs = [mx.nd.array(view) for view in views]
    for output in outputs:
        output.attach_grad()
    # As in training, else oneDNN's pooling forgets which place was the greatest; `_layers_in_use` has undone the rest.
    with mx.autograd.record():
        logits = [above(output) for output in outputs]
    said = mx.nd.add_n(*logits).argmax(axis=1)
    mx.autograd.backward(logits, [mx.nd.one_hot(said, logits[0].shape[1])] * len(logits))
    maps = [
        np.einsum("nc,nchw->nhw", output.grad.asnumpy().mean(axis=(2, 3)), view)[..., :: -1 if mirrored else 1]
        for mirrored, (output, view) in enumerate(zip(outputs, views, strict=True))
    ]
    cams: NDArray[np.float32] = np.maximum(np.mean(maps, axis=0, dtype=np.float32), 0)
    return cams
