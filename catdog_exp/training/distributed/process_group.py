"""The processes that train one network together, on one machine or on several, through MXNet's ps-lite."""

from __future__ import annotations

import atexit
import json
import math
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from threading import Thread
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import LostWorker, UserError, exit_code
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.distributed.parameter_server import ParameterServer, ps_environment

Result = TypeVar("Result")

LOOK = 0.5  # seconds between two looks whether what is waited for has come
ASK = 5.0  # seconds between two looks whether worker 0 is there
PATIENCE, LEAVING = 600.0, 10.0  # seconds until all must be there, and until MXNet's processes must have ended
MAIL, ROOM = "mail", 2**14  # a key of the kvstore, and how many 16-bit numbers each worker sends by it at once


class ProcessGroup:
    """The workers of a training as one of them sees them; by default it is alone.

    What all of them do together (`exchange` and those that use it) they must do in the same order. Each of these raises
    LostWorker when worker 0, or what it has started for MXNet, is gone; another one that is gone is waited for.

    rank: which of them this is, from 0. count: how many they are. store: the kvstore in use, None before there is one.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count
        self.store: Any = None
        self._root = ("", 0)
        self._asked, self._until = 0.0, math.inf  # when worker 0 was last looked for, when all must be there
        self._servers: ParameterServer | None = None

    def exchange(self, mine: bytes) -> list[bytes]:
        """What each worker gives, in the order of their ranks."""
        # The store adds up numbers: each worker's are in a row where all others have zeros, as 16 bits in a float.
        content = struct.pack("<Q", len(mine)) + mine + b"\0" * (len(mine) % 2)
        halves = np.frombuffer(content, np.uint16)
        rows = [self._sum_of_rows(halves[:ROOM])]
        lengths = [struct.unpack("<Q", row[:4].tobytes())[0] for row in rows[0]]
        for start in range(ROOM, 4 + (max(lengths) + 1) // 2, ROOM):
            rows.append(self._sum_of_rows(halves[start : start + ROOM]))
        whole = np.concatenate(rows, axis=1)
        return [row[4:].tobytes()[:length] for row, length in zip(whole, lengths, strict=True)]

    def of_all(self, mine: Any) -> list[Any]:
        """What each worker has found, in the order of their ranks: values as JSON knows them."""
        return [mine] if self.count == 1 else [json.loads(part) for part in self.exchange(json.dumps(mine).encode())]

    def told(self, mine: Any) -> Any:
        """What worker 0 has found or decided: a value as JSON knows them."""
        return self.of_all(mine if self.rank == 0 else None)[0]

    def arrays(self, mine: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The named arrays that worker 0 gives."""
        from safetensors.numpy import load, save

        if self.count == 1:
            return dict(mine)
        whole = {name: np.ascontiguousarray(array) for name, array in mine.items()}
        return load(self.exchange(save(whole) if self.rank == 0 else b"")[0])

    def wait(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, a call that may wait for other workers: in a thread, so that signals are heard."""
        if self.count == 1:
            return work()
        future: Future[Result] = Future()
        Thread(target=_fulfil, args=(future, work), daemon=True).start()
        while not wait([future], LOOK).done:
            self.check()
        return future.result()

    def check(self) -> None:
        """Raise LostWorker when worker 0, or what it has started for MXNet, is gone; UserError when not all came."""
        now, problem = time.monotonic(), self._servers.problem() if self._servers is not None else None
        if now > self._until:
            raise UserError(f"hardware.root={self._root[0]}:{self._root[1]}: not all workers have come")
        if self.rank and self._until == math.inf and now > self._asked + ASK:
            self._asked = now
            try:
                socket.create_connection(self._root, ASK).close()
            except OSError as error:
                problem = f"worker 0 is gone ({error.strerror or error})"
        if problem is not None:
            raise LostWorker(f"{problem}: this one ends too; start all with the same commands to go on")

    def join(self, root: str, device: Literal["cpu", "gpu", "auto"]) -> None:
        """Meet the others at ADDRESS:PORT of worker 0's machine. Raises UserError when not all come."""
        from catdog_exp.mx import context, environment, mx

        host, _, port = root.rpartition(":")
        self._root = host, int(port)
        try:
            variables = ps_environment("worker", self._root, self.count)
            if self.rank == 0:
                socket.create_server(self._root).close()
        except (OSError, OverflowError) as error:
            raise UserError(f"hardware.root={root}: not an address and free port of worker 0 ({error})") from None
        self._servers = ParameterServer(self._root, self.count) if self.rank == 0 else None
        kind = "dist_device_sync" if context(device).device_type == "gpu" else "dist_sync"
        with environment(variables):
            self._until = time.monotonic() + PATIENCE
            self.store = self.wait(lambda: mx.kv.create(kind))
        self._until = math.inf
        self.wait(lambda: self.store.init(MAIL, mx.nd.zeros((self.count, ROOM))))

    def leave(self) -> None:
        """All is done that is to be done together. Each worker goes on alone from here."""
        if self.store is None or self.count == 1:
            return
        self.wait(self._let_go)
        if self._servers is not None:
            self._servers.stop(LEAVING)

    def abandon(self, code: int) -> None:
        """End without the others, and let this process end with this exit code."""
        if self._servers is not None:
            self._servers.stop()
        if self._until != math.inf or self.store is not None:
            # MXNet would wait for the others when a kvstore is freed, or itself unloaded: the process ends before.
            atexit.register(_end, code, self.store)

    def _let_go(self) -> None:
        self.store = None  # MXNet waits here for all others

    def _sum_of_rows(self, mine: NDArray[np.uint16]) -> NDArray[np.uint16]:
        from catdog_exp.mx import mx

        rows = np.zeros((self.count, ROOM), np.float32)
        rows[self.rank, : len(mine)] = mine
        found = mx.nd.empty(rows.shape)
        self.store.push(MAIL, mx.nd.array(rows))
        self.store.pull(MAIL, out=found)
        return np.asarray(self.wait(found.asnumpy)).astype(np.uint16)


@contextmanager
def joined(hardware: HardwareConfig, settings: Mapping[str, Any]) -> Iterator[ProcessGroup]:
    """The workers that train together as `hardware` says, met; they part when the block ends.

    settings: flat, what must be alike for all. Raises UserError when not all come, or not all fit.
    """
    if hardware.workers is None:
        yield ProcessGroup()
        return
    given = [os.environ.get(f"DMLC_PS_ROOT_{part}") for part in ("URI", "PORT")]
    root = hardware.root or (f"{given[0]}:{given[1]}" if all(given) else None)
    if hardware.rank is None or root is None:
        raise UserError(
            f"hardware.workers={hardware.workers}: start them all by hydra/launcher=ray_cluster, or each by hand with "
            "hardware.rank=NUMBER and hardware.root=ADDRESS:PORT"
        )
    workers = ProcessGroup(hardware.rank, hardware.workers)
    try:
        workers.join(root, hardware.device)
        first, *others = workers.of_all(dict(settings))
        for theirs in others:
            for name in sorted(first.keys() | theirs.keys()):
                if theirs.get(name) != first.get(name):
                    line = f"{name}={theirs.get(name)}: worker 0 has {first.get(name)}, all must have the same"
                    raise UserError(line)
        yield workers
        workers.leave()
    except BaseException as error:
        workers.abandon(exit_code(error))
        raise


def _fulfil(future: Future[Result], work: Callable[[], Result]) -> None:
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)


def _end(code: int, _kept_until_here: Any) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
