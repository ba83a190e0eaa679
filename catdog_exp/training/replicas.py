"""A network that computes each batch in slices, side by side."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.mx import mx
from catdog_exp.networks.blocks import compute_in, fuse_for
from catdog_exp.networks.freezing import freeze as freeze_layers
from catdog_exp.networks.frozen_layers import layers_above
from catdog_exp.networks.initial_weights import match
from catdog_exp.networks.network import Network
from catdog_exp.networks.parameters import named_parameters
from catdog_exp.training.flat_parameters import FlatParameters

log = logging.getLogger(__name__)

SLICE = 16  # pictures of a slice, or half as many: normalization over fewer is too noisy
SLICES = 8


def slices_of(batch_size: int, block: Any) -> int:
    """How many slices a batch is computed in on the processor: it follows from the batch size and the layers alone.

    block: the layers that compute it. Those of a head over features are a matrix or two, done sooner than cut up.
    """
    parameters = named_parameters(block)
    is_head = all(len(found.shape) <= 2 and "running_" not in name for name, found in parameters.items())
    return 1 if is_head or batch_size < SLICE else max(2, min(SLICES, batch_size // SLICE))


class Replicas:
    """The same network on several contexts. Each takes its slice of a batch, and normalizes over that alone.

    The slices, not the threads, decide how sums are split: so equal slices give equal bytes however many
    of them compute at once.

    weights: what is trained; those with weight decay (kernels and matrices) come first, `decayed` of them.
    statistics: running means and variances, of each context by itself.
    """

    def __init__(
        self,
        network: Network,
        size: int,
        class_weights: NDArray[np.float32],
        contexts: Sequence[Any],
        at_once: int,
        given: Mapping[str, NDArray[Any]],
        freeze: Sequence[str],
        dtype: str,
        layers_done: int = 0,
    ) -> None:
        """Weights as Glorot and Bengio, 2010, from MXNet's generator, but for those `given`.

        class_weights: factors of the classes' targets in the loss, shape (classes,).
        at_once: slices computed at the same time. freeze: patterns of layers that are not trained.
        dtype: what convolutions and dense layers compute in; weights and gradients are float32.
        layers_done: how many of the first layers have seen the pictures already: what they give is what comes in.
        Raises UserError when nothing given fits, or a pattern names nothing.
        """
        self.contexts = list(contexts)
        self.at_once = at_once
        self.block = network.build(size, len(class_weights))
        self._class_weights = [mx.nd.array(class_weights, ctx=context) for context in self.contexts]
        fuse_for(self.contexts[0], self.block)
        if dtype != "float32":
            compute_in(dtype, self.block)
        self.block.initialize(mx.init.Xavier(), ctx=self.contexts)
        for context in self.contexts:  # the first input settles shapes
            self.block(mx.nd.zeros((1, 3, size, size), ctx=context))
        parameters = named_parameters(self.block)
        matched: list[str] = []
        if given:
            report = match({name: tuple(found.shape) for name, found in parameters.items()}, given)
            for line in report.lines():
                log.info("%s", line)
            matched = list(report.matched)
            for name in matched:
                parameters[name].set_data(mx.nd.array(given[name]))
        frozen = freeze_layers(self.block, freeze)
        if seeded := sorted(frozen - set(matched)):
            log.warning("train.freeze: %s stay as they were drawn, no weights are given for them", ", ".join(seeded))
        trained = {name: found for name, found in parameters.items() if found.grad_req != "null"}
        order = sorted(trained, key=lambda name: len(trained[name].shape) < 2)
        self.weights = FlatParameters({name: trained[name] for name in order}, self.contexts, with_gradients=True)
        running = [name for name in parameters if fnmatch.fnmatch(name, "*running_*") and name not in frozen]
        self.statistics = FlatParameters(
            {name: parameters[name] for name in running}, self.contexts, with_gradients=False
        )
        fixed = parameters.keys() - trained.keys() - set(running)
        self._fixed = {name: parameters[name].data(self.contexts[0]).asnumpy() for name in sorted(fixed)}
        self.decayed = next(
            (self.weights.places[name][0].start for name in order if len(trained[name].shape) < 2), self.weights.total
        )
        self.block = layers_above(self.block, layers_done)
        self.block.hybridize(static_alloc=True, static_shape=True)
        self.loss = mx.gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=False)
        self.loss.hybridize(static_alloc=True, static_shape=True)

    def gradients(self, crops: NDArray[Any], targets: NDArray[np.float32]) -> list[Any]:
        """Compute the gradient of the summed weighted loss into `weights.gradients`, slice by slice.

        crops: uint8 (N, 3, size, size), or features. targets: float32 (N, classes), rows sum to 1.
        Returns for each slice an array on its context that will hold its summed loss and its number of hits.
        """
        tallies = []
        slices = zip(_cut(crops, self.contexts), _cut(targets, self.contexts), strict=True)
        for number, ((pictures, context), (wanted, _)) in enumerate(slices):
            if number >= self.at_once:
                self.weights.gradients[number - self.at_once].wait_to_read()
            inputs = mx.nd.array(pictures, ctx=context, dtype=pictures.dtype).astype(np.float32)
            truth = mx.nd.array(wanted, ctx=context)
            weighted = mx.nd.broadcast_mul(truth, self._class_weights[number])
            with mx.autograd.record():
                logits = self.block(inputs)
                losses = self.loss(logits, weighted)
            losses.backward()
            hits = logits.argmax(axis=1) == truth.argmax(axis=1)
            tallies.append(mx.nd.stack(losses.sum(), hits.sum()))
        return tallies

    def arrays(self, weights: NDArray[Any], statistics: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """All the network's parameters by structural name, with these values for those that training changes."""
        return {**self._fixed, **self.weights.named(weights), **self.statistics.named(statistics)}


def _cut(values: NDArray[Any], contexts: list[Any]) -> list[tuple[NDArray[Any], Any]]:
    return list(zip(np.array_split(values, len(contexts)), contexts, strict=True))
