"""From the slices' gradients to new weights, and their running average."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.training.distributed.allreduce import AllReduce
from catdog_exp.training.distributed.process_group import ProcessGroup
from catdog_exp.training.optimizers import Optimizer, Step
from catdog_exp.training.replicas import Replicas

AVERAGED = 8  # steps from one addition to the average to the next


class Updater:
    """Changes the weights of `Replicas`, step by step; of several workers each does the same steps.

    steps: how many have been done.
    average: exponential moving average of weights and of running statistics, None where none is kept.
    """

    def __init__(
        self, replicas: Replicas, optimizer: Optimizer, clip: float | None, average: float | None, workers: ProcessGroup
    ) -> None:
        """clip: longest gradient (norm over all parameters), None: any. average: its decay a step, None: no average."""
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
        self._rank = workers.rank
        self._exchange = AllReduce(self._gradient, replicas.contexts, workers)

    def add(self) -> None:
        """Add the gradients that all workers' replicas hold to those of the next step."""
        summed = self._gradient.zeros_like() if self._pending else self._gradient
        self._exchange.add_up(self._replicas.weights.gradients, summed)
        if self._pending:
            self._gradient += summed
        self._pending += 1

    def forget(self) -> None:
        """Do no step with the gradients added."""
        self._pending = 0

    def step(self, lr: float, pictures: int) -> None:
        """One step with the gradients added, which are sums over so many `pictures` in all."""
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
        statistics = self._exchange.of_all(self._replicas.statistics.arrays)
        mean = mx.nd.add_n(*statistics) / len(statistics)
        for kept, new in zip(average, (self._weights, mean), strict=True):
            # kept + rate * (new - kept), as one operator
            mx.nd.sgd_update(kept, new, lr=rate, wd=1.0, rescale_grad=-1.0, out=kept)
        mean.wait_to_read()

    def parameters(self) -> dict[str, NDArray[Any]]:
        """The network's parameters as they are to be used: averaged, where an average is kept and has begun."""
        if self._average is None or self.steps < AVERAGED:
            weights = self._weights.asnumpy()
            mean = np.mean(self._statistics(), axis=0, dtype=np.float64)
            return self._replicas.arrays(weights, mean.astype(np.float32))
        averaged, statistics = self._average
        return self._replicas.arrays(averaged.asnumpy(), statistics.asnumpy())

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """All that the next step depends on, of all workers, by name: copies."""
        found = {name: array.asnumpy() for name, array in self._named().items()}
        found.update({f"statistics/{slot}": array for slot, array in enumerate(self._statistics())})
        return found

    def restore(self, arrays: dict[str, NDArray[np.float32]], steps: int) -> None:
        """Go on from what `arrays` gave after so many steps. Raises UserError when it is another network's."""
        if {name: array.shape for name, array in self.arrays().items()} != {
            name: array.shape for name, array in arrays.items()
        }:
            raise UserError(
                "the interrupted run was of another network, or on another kind of device: give train.resume=false to "
                "start anew"
            )
        own = self._named()
        slices = self._replicas.statistics.arrays
        own.update({f"statistics/{slot}": array for slot, array in enumerate(slices, self._rank * len(slices))})
        for name, array in own.items():
            array[:] = arrays[name]
        self._replicas.weights.spread()
        self.steps = steps

    def _statistics(self) -> list[NDArray[np.float32]]:
        """The running statistics of all slices of all workers."""
        self._weights.wait_to_read()  # they are written by then
        return [array.asnumpy() for array in self._exchange.of_all(self._replicas.statistics.arrays)]

    def _named(self) -> dict[str, Any]:
        found = {"weights": self._weights}
        found.update({f"optimizer/{number}": array for number, array in enumerate(self._state)})
        if self._average is not None:
            found.update(zip(("average/weights", "average/statistics"), self._average, strict=True))
        return found
