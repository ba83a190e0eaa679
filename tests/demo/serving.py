"""The demo's HTTP side in a thread of this process, and what it says."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

OWN = {"X-Catdog": "1"}


@contextmanager
def served(app: Any) -> Iterator[int]:
    """Serve an ASGI application on loopback; gives the port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, http.client.HTTPMessage]:
    """The status of an answer, what it says (JSON read), and its headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, OWN if headers is None else headers)
        answer = connection.getresponse()
        said: Any = answer.read()
        if answer.headers.get_content_type() == "application/json":
            said = json.loads(said)
        return answer.status, said, answer.headers
    finally:
        connection.close()
