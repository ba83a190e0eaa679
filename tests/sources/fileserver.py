"""A web server on loopback that can be told to misbehave, for the tests of downloads."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """One file and how it is served.

    breaks: for each of the first answers, after how many bytes the connection is cut.
    ranges: whether a part of the file can be asked for. etag: its version; None sends none.
    length: the size that is announced; None announces the true one. status: instead of the file.
    seen: the `Range` header of each request, None where it had none.
    """

    content: bytes
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    etag: str | None = '"first"'
    length: int | None = None
    status: int = 200
    url: str = ""
    seen: list[str | None] = field(default_factory=list)


@contextmanager
def serving(site: Site, name: str = "pictures.zip") -> Iterator[Site]:
    """Serve `site` while the block runs; its `url` ends with `name`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            site.seen.append(asked)
            if site.status != 200:
                self.send_error(site.status)
                return
            first = 0
            if asked and site.ranges and self.headers.get("If-Range") == site.etag:
                first = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            size = len(site.content)
            if first and first >= size:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
            if site.etag:
                self.send_header("ETag", site.etag)
            self.send_header("Content-Length", str(site.length or size - first))
            self.end_headers()
            body = site.content[first:]
            self.wfile.write(body[: site.breaks.pop(0)] if site.breaks else body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    site.url = f"http://127.0.0.1:{server.server_port}/files/{name}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
