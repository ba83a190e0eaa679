"""Where slices, GPUs and workers put together what each of them has computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from catdog_exp.mx import environment, mx
from catdog_exp.training.distributed.process_group import ProcessGroup


class AllReduce:
    """Sums over all slices of all workers, through one key of an MXNet kvstore."""

    def __init__(self, like: Any, contexts: list[Any], workers: ProcessGroup) -> None:
        """like: an array as those that will be added up. contexts: of this worker's slices."""
        self._workers = workers
        self._stores = workers.stores
        self._context = like.context
        on_gpus = contexts[0].device_type == "gpu"
        if workers.count == 1:
            kind = "device" if on_gpus else "local"
        else:
            kind = "dist_device_sync" if on_gpus else "dist_sync"
        with environment(workers.environment):
            workers.stores.append(workers.wait(lambda: mx.kv.create(kind)))
        workers.wait(lambda: self._stores[0].init(0, like))

    def add_up(self, arrays: list[Any], out: Any) -> None:
        """The sum of all workers' `arrays`, one for each context, into the array `out`."""
        self._stores[0].push(0, arrays)
        self._stores[0].pull(0, out=out)
        if self._workers.count > 1:  # MXNet by itself would wait for a lost worker for ever
            self._workers.wait(out.wait_to_read)

    def of_all(self, arrays: list[Any]) -> list[Any]:
        """All workers' `arrays`, those of worker 0 first, on the first context. Nobody may be writing them."""
        if self._workers.count == 1:
            return [array.as_in_context(self._context) for array in arrays]
        mine = np.stack([array.asnumpy() for array in arrays])
        found = [np.frombuffer(part, np.float32) for part in self._workers.exchange(mine.tobytes())]
        return [mx.nd.array(row, ctx=self._context) for part in found for row in part.reshape(mine.shape)]

    def close(self) -> None:
        """Let go of the kvstore, as all workers do together."""
        self._workers.wait(self._stores.clear)
