"""The bytes of an upload, in memory alone and never too many."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

MOST_BYTES = 32 * 2**20  # of a picture's file
HEARD_OUT = 4  # times as many bytes are read, and dropped, so that a client that sends too many hears why
PATIENCE = 60  # seconds that an upload may take


class Refused(Exception):
    """A request that is not answered. status: HTTP's. The message is for people."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_upload(request: Request) -> bytes:
    """The body of a request. Raises Refused where it is empty, too large or too slow."""
    too_large = Refused(413, f"too large: a picture's file may have {MOST_BYTES >> 20} MB here")
    declared = request.headers.get("content-length", "0")
    if int(declared) > HEARD_OUT * MOST_BYTES:  # uvicorn has seen to it that this is a number
        raise too_large
    chunks, read = list[bytes](), 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                read += len(chunk)
                if read <= MOST_BYTES:
                    chunks.append(chunk)
                elif read > HEARD_OUT * MOST_BYTES:
                    break
                else:
                    chunks.clear()
    except TimeoutError:
        raise Refused(408, f"too slow: a picture must be here within {PATIENCE} s") from None
    if read > MOST_BYTES:
        raise too_large
    return b"".join(chunks)
