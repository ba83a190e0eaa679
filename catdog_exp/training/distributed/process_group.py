"""The processes that train one network together, on one machine or on several: they go on, or end, together."""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty
from threading import Event, Thread
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import LostWorker, UserError, exit_code
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.distributed.connection import LOST, Link
from catdog_exp.training.distributed.parameter_server import ParameterServer, ps_environment
from catdog_exp.training.distributed.rendezvous import LOOPBACK, await_others, reach_first, start_others

Result = TypeVar("Result")

LOOK = 0.5  # seconds between two looks whether all are still there


class ProcessGroup:
    """The workers of a training as one of them sees them; by default it is alone.

    What all of them do together (`exchange` and those that use it) they must do in the same order. Each of
    these raises LostWorker, within a minute, when another worker is gone.

    rank: which of them this is, from 0. count: how many they are.
    environment: what MXNet's kvstore needs to find the others. stores: the kvstores in use, none or one.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank = rank
        self.count = count
        self.environment: dict[str, str] = {}
        self.stores: list[Any] = []
        self._links: list[Link] = []  # worker 0's to all others, by rank; any other's to worker 0
        self._servers: ParameterServer | None = None
        self._loss: str | None = None
        self._done = False

    def exchange(self, mine: bytes) -> list[bytes]:
        """What each worker gives, in the order of their ranks."""
        if self.rank == 0:
            given = [mine, *(self._next(link) for link in self._links)]
            for link in self._links:
                for part in given:
                    link.send(part)
            return given
        self._links[0].send(mine)
        return [self._next(self._links[0]) for _ in range(self.count)]

    def first(self, mine: bytes) -> bytes:
        """What worker 0 gives."""
        return self.exchange(mine if self.rank == 0 else b"")[0]

    def told(self, mine: Any) -> Any:
        """What worker 0 has found or decided: a value as JSON knows them."""
        return mine if self.count == 1 else json.loads(self.first(json.dumps(mine).encode()))

    def arrays(self, mine: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The named arrays that worker 0 gives."""
        if self.count == 1:
            return dict(mine)
        from safetensors.numpy import load, save

        whole = {name: np.ascontiguousarray(array) for name, array in mine.items()} if self.rank == 0 else {}
        return load(self.first(save(whole)))

    def of_all(self, mine: Any) -> list[Any]:
        """What each worker has found, in the order of their ranks: values as JSON knows them."""
        return [mine] if self.count == 1 else [json.loads(part) for part in self.exchange(json.dumps(mine).encode())]

    def wait(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, a call that may wait for other workers, and would wait for a lost one for ever."""
        if self.count == 1:
            return work()
        results: list[Result] = []
        errors: list[Exception] = []
        finished = Event()

        def do() -> None:
            try:
                results.append(work())
            except Exception as error:
                errors.append(error)
            finished.set()

        Thread(target=do, daemon=True).start()
        while not finished.wait(LOOK):
            self.check()
        if errors:
            raise errors[0]
        return results[0]

    def check(self) -> None:
        """Raise LostWorker when another worker is gone."""
        if self._loss is not None:
            raise LostWorker(f"{self._loss}: this one ends too; start all with the same commands to go on")

    def leave(self) -> None:
        """All is done that is to be done together. Each worker goes on alone from here."""
        if self._done or self.count == 1:
            return
        self.exchange(b"")
        self._done = True
        for link in self._links:
            link.done()
        if self._servers is not None:
            self._servers.wait()

    def join(self, root: str, settings: Mapping[str, Any]) -> None:
        """Meet the others at ADDRESS:PORT. settings: flat, what must be alike for all. Raises UserError."""
        if self.rank:
            connection, scheduler = reach_first(root, self.rank, self.count, settings)
            self._links = [Link(connection, 0, self._lose)]
            own, port = self._links[0].own_address, scheduler["port"]
            self.environment = ps_environment("worker", own, scheduler["address"], port, self.count)
            return
        connections = await_others(root, self.count, settings)
        reached = [connection.getsockname()[0] for connection in connections]
        own = next((address for address in reached if address not in LOOPBACK), reached[0])
        self._servers = ParameterServer(own, self.count)
        port = self._servers.port
        self.environment = ps_environment("worker", own, own, port, self.count)
        try:
            start_others(connections, {"address": own, "port": port})
        except OSError as error:
            raise UserError(f"hardware.root={root}: a worker has gone before all were there ({error})") from None
        self._links = [Link(connection, rank, self._lose) for rank, connection in enumerate(connections, 1)]
        Thread(target=self._watch, args=(self._servers,), daemon=True).start()

    def abandon(self, code: int) -> None:
        """End without the others, which are told by that, and let this process end with this exit code."""
        if self._done or self.count == 1:
            return
        self._done = True
        for link in self._links:
            link.close()
        if self._servers is not None:
            self._servers.stop()
        if self._links:
            # MXNet would wait for the others when a kvstore is freed, or itself unloaded: the process ends before.
            atexit.register(_end, code, self.stores)

    def _next(self, link: Link) -> bytes:
        while True:
            try:
                return link.messages.get(timeout=LOOK)
            except Empty:
                self.check()

    def _lose(self, line: str) -> None:
        if self._loss is not None or self._done:
            return
        self._loss = line
        if self.rank == 0:
            for link in self._links:
                link.send(line.encode(), LOST)

    def _watch(self, servers: ParameterServer) -> None:
        while not self._done:
            time.sleep(LOOK)
            problem = servers.problem()
            if problem is not None and not self._done:
                self._lose(problem)
                return


@contextmanager
def joined(hardware: HardwareConfig, settings: Mapping[str, Any]) -> Iterator[ProcessGroup]:
    """The workers that train together as `hardware` says, met; they part when the block ends.

    settings: flat, what must be alike for all. Raises UserError when not all come, or not all fit.
    """
    if hardware.kvstore == "local":
        yield ProcessGroup()
        return
    assert hardware.rank is not None
    assert hardware.workers is not None
    assert hardware.root is not None
    workers = ProcessGroup(hardware.rank, hardware.workers)
    try:
        workers.join(hardware.root, settings)
        yield workers
        workers.leave()
    except BaseException as error:
        workers.abandon(exit_code(error))
        raise


def _end(code: int, _kept_until_here: list[Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
