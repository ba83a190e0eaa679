"""How the workers of a training find each other: all come to worker 0, which lets in those of the same training."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from catdog_exp.errors import UserError
from catdog_exp.training.distributed.connection import DATA, LOST, receive, send

log = logging.getLogger(__name__)

PATIENCE = 600.0  # seconds until all must be there
GREETING = 10.0  # seconds that a newcomer may take to say who it is
LONGEST = 2**20  # bytes of a greeting
LOOPBACK = ("127.0.0.1", "localhost")


def await_others(root: str, workers: int, settings: Mapping[str, Any]) -> list[socket.socket]:
    """For worker 0: the connections of all others, in the order of their ranks.

    root: ADDRESS:PORT. settings: flat, those that must be alike. Another process that comes is turned away
    with the reason. Raises UserError when the port cannot be opened or not all come in time.
    """
    host, port = split(root)
    try:
        server = socket.create_server((host if host in LOOPBACK else "", port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"hardware.root={root}: worker 0 cannot open port {port} ({reason})") from None
    there: dict[int, socket.socket] = {}
    last = time.monotonic() + PATIENCE
    with server:
        server.settimeout(1.0)
        log.info("waiting at %s for %d more of %d workers", root, workers - 1, workers)
        while True:
            there = {rank: connection for rank, connection in there.items() if not _is_gone(connection)}
            if len(there) == workers - 1:
                return [there[rank] for rank in sorted(there)]
            if time.monotonic() > last:
                absent = ", ".join(str(rank) for rank in range(1, workers) if rank not in there)
                raise UserError(f"hardware.root={root}: not all workers have come, missing: {absent}")
            with suppress(OSError):
                connection, _ = server.accept()
                _let_in(connection, workers, settings, there)


def _let_in(
    connection: socket.socket, workers: int, settings: Mapping[str, Any], there: dict[int, socket.socket]
) -> None:
    connection.settimeout(GREETING)
    try:
        _, content = receive(connection, LONGEST)
        greeting = json.loads(content)
        rank, count, theirs = int(greeting["rank"]), greeting["workers"], dict(greeting["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        connection.close()
        return
    refusal = None
    if count != workers or not 0 < rank < workers:
        refusal = f"hardware.rank={rank} of hardware.workers={count}: worker 0 waits for ranks 1 to {workers - 1}"
    elif rank in there and not _is_gone(there[rank]):
        refusal = f"hardware.rank={rank}: another worker has this rank"
    else:
        for name in sorted(settings.keys() | theirs.keys()):
            if settings.get(name) != theirs.get(name):
                refusal = f"{name}={theirs.get(name)}: worker 0 has {settings.get(name)}, all must have the same"
                break
    if refusal is None:
        there[rank] = connection
        return
    log.warning("turned away: %s", refusal)
    with suppress(OSError):
        send(connection, refusal.encode(), LOST)
    connection.close()


def _is_gone(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def start_others(connections: list[socket.socket], word: Any) -> None:
    """For worker 0: tell all others `word`, JSON, with which they start. Raises OSError."""
    for connection in connections:
        connection.settimeout(GREETING)
        send(connection, json.dumps(word).encode())


def reach_first(root: str, rank: int, workers: int, settings: Mapping[str, Any]) -> tuple[socket.socket, Any]:
    """For any other worker: the connection to worker 0, and its word to start, given when all are there.

    Raises UserError when nobody answers in time, or when worker 0 turns this one away.
    """
    host, port = split(root)
    last = time.monotonic() + PATIENCE
    log.info("going to worker 0 at %s", root)
    while True:
        try:
            connection = socket.create_connection((host, port), timeout=GREETING)
            break
        except (OSError, OverflowError) as error:
            if time.monotonic() > last or isinstance(error, OverflowError):
                raise UserError(f"hardware.root={root}: worker 0 cannot be reached ({error})") from None
            time.sleep(0.3)
    try:
        greeting = {"rank": rank, "workers": workers, "settings": dict(settings)}
        send(connection, json.dumps(greeting).encode())
        connection.settimeout(PATIENCE)
        kind, content = receive(connection, LONGEST)
    except OSError as error:
        raise UserError(f"hardware.root={root}: worker 0 has gone before all were there ({error})") from None
    if kind != DATA:
        raise UserError(content.decode())
    return connection, json.loads(content)


def split(root: str) -> tuple[str, int]:
    """Host and port of ADDRESS:PORT."""
    host, _, port = root.rpartition(":")
    return host, int(port)
