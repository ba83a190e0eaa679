"""Which pictures a network has ever been trained on, so that it is never judged on them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BYTES = 16  # of each digest: chance makes no two of them alike


@dataclass(frozen=True)
class Learned:
    """The pictures that a network has been trained on, and those that the weights it started from had been.

    digests: the first 32 hexadecimal digits of each picture's SHA-256.
    complete: False where it started from weights of which that is not known.
    """

    digests: frozenset[str] = frozenset()
    complete: bool = True

    def with_more(self, digests: Iterable[str]) -> Learned:
        """These pictures, and more, whose whole or shortened digests are given."""
        return Learned(self.digests | {digest[: 2 * BYTES] for digest in digests}, self.complete)

    def others(self, digests: Sequence[str]) -> NDArray[np.int64]:
        """The places of those `digests`, whole or shortened, that are of no picture in here, in order."""
        new = [place for place, digest in enumerate(digests) if digest[: 2 * BYTES] not in self.digests]
        return np.array(new, np.int64)

    def encoded(self) -> str:
        """The digests as one text, Base64: the same for the same pictures."""
        return base64.b64encode(bytes.fromhex("".join(sorted(self.digests)))).decode()


def decoded(text: str, complete: bool) -> Learned:
    """What `Learned.encoded` was called on. Raises ValueError for another text."""
    content = base64.b64decode(text, validate=True)
    if len(content) % BYTES:
        raise ValueError(f"{len(content)} bytes are no digests of {BYTES}")
    parts = (content[start : start + BYTES].hex() for start in range(0, len(content), BYTES))
    return Learned(frozenset(parts), complete)
