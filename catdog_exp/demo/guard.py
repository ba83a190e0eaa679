"""Who is answered, and what a browser may do with the answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN_HEADER = "X-Catdog"  # which no page of another origin can send without being asked first
READING = ("GET", "HEAD")
# Scripts, styles and answers from this server alone; pictures also from the page itself; in no frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::\d+)?")


class Guard:
    """Stands before an ASGI application: answers to its own names, and takes pictures from its own page alone.

    A name that leads here though it is not ours is another site's, which could read the answers as its own (DNS
    rebinding). names: as they stand in a URL, without a port.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        app = self._app if refusal is None else JSONResponse({"error": refusal}, status_code=403)
        await app(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "").lower()
        found = _HOST.fullmatch(host)
        if found is None or found[1] not in self._names:
            return "this name is not answered: start `catdog demo` with --host NAME to be called by it"
        if method in READING:
            return None
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" or (origin is not None and urlsplit(origin).netloc.lower() != host):
            return "pictures are taken from this server's own page alone, and this request comes from another one"
        return None if OWN_HEADER in headers else f"the header {OWN_HEADER} is missing"
