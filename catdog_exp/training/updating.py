"""From the slices' gradients to new weights, and their running average."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.training.optimizers import Optimizer, Step
from catdog_exp.training.replicas import Replicas

AVERAGED = 8  # steps from one addition to the average to the next


class Updater:
    """Changes the weights of `Replicas`, step by step.

    steps: how many have been done.
    average: exponential moving average of weights and of running statistics, None where none is kept.
    """

    def __init__(
        self, replicas: Replicas, optimizer: Optimizer, clip: float | None, average: float | None, kvstore: str
    ) -> None:
        """clip: longest gradient (norm over all parameters), None: any. average: its decay at a step, None: no average.

        kvstore: MXNet's, that adds up the gradients.
        """
        self.steps = 0
        self._replicas = replicas
        self._optimizer = optimizer
        self._clip = clip
        self._decay = average
        self._weights = replicas.weights.arrays[0]
        self._gradient = self._weights.zeros_like()
        self._pending = 0
        self._state = optimizer.state(self._weights)
        self._average = None
        if average is not None:
            self._average = [self._weights.copy(), replicas.statistics.arrays[0].copy()]
        self._exchange = mx.kv.create(kvstore)
        self._exchange.init(0, self._gradient)

    def add(self) -> None:
        """Add the gradients that the replicas hold to those of the next step."""
        summed = self._gradient.zeros_like() if self._pending else self._gradient
        self._exchange.push(0, self._replicas.weights.gradients)
        self._exchange.pull(0, out=summed)
        if self._pending:
            self._gradient += summed
        self._pending += 1

    def step(self, lr: float, pictures: int) -> None:
        """One step with the gradients added, which are sums over so many `pictures`."""
        self._pending = 0
        self.steps += 1
        scale = 1 / pictures
        if self._clip is not None:
            self._gradient *= scale
            length = mx.nd.sqrt(mx.nd.dot(self._gradient, self._gradient))
            factor = mx.nd.minimum(self._clip / (length + 1e-6), 1.0)
            self._gradient = mx.nd.broadcast_mul(self._gradient, factor)
            scale = 1.0
        places = [place for place, _ in self._replicas.weights.places.values()]
        step = Step(self.steps, lr, scale, self._replicas.decayed, places)
        self._optimizer.update(self._weights, self._gradient, self._state, step)
        self._replicas.weights.spread()
        if self._average is not None and self._decay is not None and self.steps % AVERAGED == 0:
            self._add_to_average(self._average, self._decay)

    def _add_to_average(self, average: list[Any], decay: float) -> None:
        # Early on an average over fewer steps: the first weights are not worth remembering.
        rate = 1 - min(decay, (1 + self.steps) / (10 + self.steps)) ** AVERAGED
        # MXNet does not know that the fused normalization's backward pass writes the running statistics:
        # they may be read when the new weights are there, and are read before the next pass can start.
        self._weights.wait_to_read()
        statistics = [array.as_in_context(self._weights.context) for array in self._replicas.statistics.arrays]
        mean = mx.nd.add_n(*statistics) / len(statistics)
        for kept, new in zip(average, (self._weights, mean), strict=True):
            # kept + rate * (new - kept), as one operator
            mx.nd.sgd_update(kept, new, lr=rate, wd=1.0, rescale_grad=-1.0, out=kept)
        mean.wait_to_read()

    def parameters(self) -> dict[str, NDArray[Any]]:
        """The network's parameters as they are to be used: averaged, where an average is kept."""
        replicas = self._replicas
        if self._average is None:
            return replicas.arrays(self._weights.asnumpy(), replicas.mean_statistics())
        weights, statistics = self._average
        return replicas.arrays(weights.asnumpy(), statistics.asnumpy())

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """All that the next step depends on, by name: copies."""
        self._weights.wait_to_read()  # the running statistics are written by then
        return {name: array.asnumpy() for name, array in self._named().items()}

    def restore(self, arrays: dict[str, NDArray[np.float32]], steps: int) -> None:
        """Go on from what `arrays` gave after so many steps. Raises UserError when it is another network's."""
        own = self._named()
        if {name: array.shape for name, array in own.items()} != {name: array.shape for name, array in arrays.items()}:
            raise UserError("the interrupted run was of another network: give train.resume=false to start anew")
        for name, array in own.items():
            array[:] = arrays[name]
        self._replicas.weights.spread()
        self.steps = steps

    def _named(self) -> dict[str, Any]:
        found = {"weights": self._weights}
        found.update({f"optimizer/{number}": array for number, array in enumerate(self._state)})
        found.update({f"statistics/{slot}": array for slot, array in enumerate(self._replicas.statistics.arrays)})
        if self._average is not None:
            found.update(zip(("average/weights", "average/statistics"), self._average, strict=True))
        return found
