"""Loops over pixels, compiled to machine code by Numba when they are first called."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])

log = logging.getLogger(__name__)


def compiled(loop: Loop) -> Loop:
    """`loop`, compiled, without the interpreter's lock while it runs.

    The machine code is kept beside the source, or in the user's cache folder; where neither can be written
    to, each process compiles anew. Indices out of bounds are not noticed: the caller must rule them out.
    """
    try:
        return cast(Loop, numba.njit(cache=True, nogil=True)(loop))
    except RuntimeError as error:  # no folder for the cache
        log.debug("%s", error)
        return cast(Loop, numba.njit(nogil=True)(loop))
