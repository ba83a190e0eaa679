"""The demo served on this machine until Ctrl-C."""

from __future__ import annotations

from contextlib import suppress
from socket import socket

import uvicorn

from catdog_exp.demo.answers import Answers
from catdog_exp.demo.application import application
from catdog_exp.demo.shown_runs import start_run
from catdog_exp.hosts import ANY, LOOPBACK, check_free, names_of
from catdog_exp.inference.trained_network import Runs, load_network
from catdog_exp.threads import threads_to_use
from catdog_exp.tracking.interrupts import ended_by_signals
from catdog_exp.training.config import HardwareConfig

CONNECTIONS = 400  # at once; those beyond are sent away
GRACE = 1  # seconds that answers under way have at the end


def serve_demo(runs: Runs, hardware: HardwareConfig, max_pixels: int, word: str | None, host: str, port: int) -> int:
    """Serve the page at http://host:port until Ctrl-C or SIGTERM ends it. Returns the exit code.

    word: names the run that the page opens with, as `start_run` has it. The address is printed once it answers.

    Raises UserError when the port is taken, or there is no network to ask.
    """
    check_free(host, port)
    found, is_champion = start_run(runs, word)

    answers = Answers(
        lambda run_id: load_network(runs.find(run_id), hardware, runs.own), threads_to_use(hardware.threads), max_pixels
    )
    answers.load(found.run_id)
    names = names_of(host)
    app = application(runs, answers, found.run_id, found.run_id if is_champion else None, [*names, *LOOPBACK])
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
    )
    page = f"http://{names[0]}:{port}" + (f" or http://{ANY[host]}:{port}" if host in ANY else "")
    try:
        with suppress(KeyboardInterrupt), ended_by_signals():
            _Server(config, f"drop pictures at {page} (Ctrl-C ends it)").run()
    finally:
        answers.close()
    return 0


class _Server(uvicorn.Server):
    """Says where it is once it answers."""

    def __init__(self, config: uvicorn.Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._line, flush=True)
