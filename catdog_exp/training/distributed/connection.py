"""A connection between two workers of a training: whole messages, and a sign of life every few seconds."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Lock, Thread

EVERY = 5.0  # seconds between signs of life
SILENCE = 30.0  # seconds without any, after which the other one counts as gone
PIECE = 2**20  # bytes sent at a time: each has `SILENCE` to get through

ALIVE, DATA, LOST, DONE = range(4)  # kinds of messages
_HEADER = struct.Struct(">BQ")  # the kind, and the length of what follows


class Link:
    """A connection to the worker `rank`.

    messages: what has come and is not yet read.
    on_loss: called from another thread, with one line, when the other one is gone or tells that a worker is.
    """

    def __init__(self, connection: socket.socket, rank: int, on_loss: Callable[[str], None]) -> None:
        connection.settimeout(SILENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rank = rank
        self.messages: SimpleQueue[bytes] = SimpleQueue()
        self.own_address: str = connection.getsockname()[0]
        self._connection = connection
        self._on_loss = on_loss
        self._sending = Lock()
        self._over = Event()
        Thread(target=self._receive, daemon=True).start()
        Thread(target=self._stay_alive, daemon=True).start()

    def send(self, content: bytes, kind: int = DATA) -> None:
        """Send a message. Where that fails, the other one counts as gone."""
        try:
            with self._sending:
                send(self._connection, content, kind)
        except OSError as error:
            self._lose(error)

    def done(self) -> None:
        """Say that all is done: the other one may go, and so may this one."""
        self.send(b"", DONE)
        self.close()

    def close(self) -> None:
        """End the connection. Where not all is done, the other one takes this one for gone."""
        self._over.set()
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        try:
            while True:
                kind, content = receive(self._connection)
                if kind == DATA:
                    self.messages.put(content)
                elif kind == LOST:
                    self._on_loss(content.decode())
                elif kind == DONE:
                    self._over.set()
                    return
        except OSError as error:
            self._lose(error)

    def _stay_alive(self) -> None:
        while not self._over.wait(EVERY):
            self.send(b"", ALIVE)

    def _lose(self, error: OSError) -> None:
        if self._over.is_set():
            return
        self._over.set()
        silent = isinstance(error, TimeoutError)
        why = f"no sign of life for {SILENCE:.0f} seconds" if silent else "its connection has ended"
        self._on_loss(f"worker {self.rank} is gone ({why})")


def send(connection: socket.socket, content: bytes, kind: int = DATA) -> None:
    """Send one message. Raises OSError."""
    connection.sendall(_HEADER.pack(kind, len(content)))
    for start in range(0, len(content), PIECE):
        connection.sendall(memoryview(content)[start : start + PIECE])


def receive(connection: socket.socket, longest: int | None = None) -> tuple[int, bytes]:
    """The next message: its kind and content. Raises OSError, also where it is longer than `longest` bytes."""
    kind, length = _HEADER.unpack(_exactly(connection, _HEADER.size))
    if longest is not None and length > longest:
        raise ConnectionError("this is no worker's message")
    return kind, _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts, missing = [], length
    while missing:
        part = connection.recv(min(missing, PIECE))
        if not part:
            raise ConnectionError("the connection has ended")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
