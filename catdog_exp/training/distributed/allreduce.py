"""Where slices, GPUs and workers put together what each of them has computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from catdog_exp.mx import mx
from catdog_exp.training.distributed.process_group import ProcessGroup

GRADIENT = "gradient"


class AllReduce:
    """Sums over all slices of all workers, through one key of an MXNet kvstore."""

    def __init__(self, like: Any, contexts: list[Any], workers: ProcessGroup) -> None:
        """like: an array as those that will be added up. contexts: of this worker's slices."""
        self._workers = workers
        self._context = like.context
        if workers.count == 1:
            workers.store = mx.kv.create("device" if contexts[0].device_type == "gpu" else "local")
        workers.wait(lambda: workers.store.init(GRADIENT, like))

    def add_up(self, arrays: list[Any], out: Any) -> None:
        """The sum of all workers' `arrays`, one for each context, into the array `out`."""
        self._workers.store.push(GRADIENT, arrays)
        self._workers.store.pull(GRADIENT, out=out)
        if self._workers.count > 1:
            self._workers.wait(out.wait_to_read)

    def of_all(self, arrays: list[Any]) -> list[Any]:
        """All workers' `arrays`, those of worker 0 first, on the first context. Nobody may be writing them."""
        if self._workers.count == 1:
            return [array.as_in_context(self._context) for array in arrays]
        mine = np.stack([array.asnumpy() for array in arrays])
        found = [np.frombuffer(part, np.float32) for part in self._workers.exchange(mine.tobytes())]
        return [mx.nd.array(row, ctx=self._context) for part in found for row in part.reshape(mine.shape)]
