"""The demo's HTTP side: its page, the runs to choose from, and answers about pictures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.resources import files

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from catdog_exp.demo.answers import Answers
from catdog_exp.demo.guard import Guard
from catdog_exp.demo.shown_runs import about, choices
from catdog_exp.demo.uploads import MOST_BYTES, Refused, read_upload
from catdog_exp.errors import UserError
from catdog_exp.hosts import LOOPBACK
from catdog_exp.images.decode import Unreadable
from catdog_exp.inference.trained_network import Runs

ABREAST = 8  # uploads that are held in memory at once; others wait unread
MOST_WAITING = 200  # of those
PICTURES = 50  # that the page takes at once
PAGE = {
    "/": ("index.html", "text/html"),
    "/demo.css": ("demo.css", "text/css"),
    "/demo.js": ("demo.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def application(runs: Runs, answers: Answers, first: str, champion: str | None, names: Iterable[str]) -> ASGIApp:
    """The whole of it, as ASGI has it.

    first: id of the run that the page opens with. champion: id of the registered one. names: that are answered.
    """
    turns = asyncio.Semaphore(ABREAST)
    asking = 0

    async def list_runs(_: Request) -> Response:
        listed = [asdict(choice) for choice in await run_in_threadpool(choices, runs)]
        limits = {"bytes": MOST_BYTES, "pictures": PICTURES}
        told = {"objective": runs.objective, "first": first, "champion": champion, "limits": limits}
        return JSONResponse({**told, "runs": listed})

    async def tell_of_run(request: Request) -> Response:
        here = request.url.hostname in LOOPBACK
        return JSONResponse(await run_in_threadpool(about, runs, _run_id(request), here=here))

    @asynccontextmanager
    async def turn() -> AsyncIterator[None]:
        nonlocal asking
        if asking >= ABREAST + MOST_WAITING:
            raise Refused(503, "too many pictures at once: try again in a moment")
        asking += 1
        try:
            async with turns:
                yield
        finally:
            asking -= 1

    async def answer(request: Request) -> Response:
        async with turn():
            data = await read_upload(request)
            return JSONResponse(asdict(await answers.answer(_run_id(request), data)))

    routes = [
        *(Route(path, _file(name, kind)) for path, (name, kind) in PAGE.items()),
        Route("/api/runs", list_runs),
        Route("/api/runs/{run_id:str}", tell_of_run),
        Route("/api/runs/{run_id:str}/answers", answer, methods=["POST"]),
    ]
    handlers = dict.fromkeys((Refused, Unreadable, UserError, ClientDisconnect, HTTPException), _error)
    return Guard(Starlette(routes=routes, exception_handlers=handlers), names)


def _run_id(request: Request) -> str:
    """The run's that the path names: whole, since networks are kept by it."""
    run_id = str(request.path_params["run_id"])
    if re.fullmatch(r"[0-9a-f]{32}", run_id) is None:
        raise Refused(404, f"{run_id}: this is no id of a run")
    return run_id


def _file(name: str, kind: str) -> Response:
    return Response((files("catdog_exp.demo") / "page" / name).read_bytes(), media_type=kind)


async def _error(_: Request, error: Exception) -> Response:
    status = {Unreadable: 422, UserError: 404, ClientDisconnect: 400}.get(type(error))
    if isinstance(error, Refused):
        status = error.status
    elif isinstance(error, HTTPException):
        status = error.status_code
        return JSONResponse({"error": error.detail}, status, error.headers)
    return JSONResponse({"error": str(error)}, status or 500)
