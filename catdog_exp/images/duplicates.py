"""Pictures that show the same though their files differ: made smaller, compressed again, mirrored."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from catdog_exp.images.resize import Pixels
from catdog_exp.parallel import chunks_in_order

FORMAT = 1  # goes up whenever the same picture would have another hash
EDGE = 32  # of the gray square that a picture is brought to, pixels
FREQUENCIES = 8  # of its cosine transform, along each edge
NEAR = 0.94  # likeness: of 3,000 photographs no two others have more than 0.9, copies have 0.98 and more
PLAIN = 1.0  # gray levels, root mean square, of which a picture must have more to be told from others
TOGETHER = 32  # pictures that a thread takes at once
BLOCK = 256  # pictures that are compared with all others at once

_NUMBERS = np.arange(FREQUENCIES)
# The cosine transform of a square's rows or columns, its lowest frequencies alone.
_COSINES = np.cos(np.pi / EDGE * np.outer(_NUMBERS, np.arange(EDGE) + 0.5)).astype(np.float32)
_COSINES *= np.sqrt(np.where(_NUMBERS, 2, 1) / EDGE).astype(np.float32)[:, None]
# In photographs, amplitudes fall with the frequency: so each counts alike, and the mean brightness not at all.
_WEIGHTS = np.hypot(_NUMBERS[:, None], _NUMBERS).astype(np.float32)
# A mirror changes the sign of each second frequency along the rows.
_MIRROR = np.tile(np.where(_NUMBERS % 2, -1, 1), FREQUENCIES).astype(np.float32)


class Duplicate(NamedTuple):
    """A picture that is nearly another one. place, other: where they stand among theirs.

    likeness: of their hashes, NEAR..1. mirrored: whether one is the other's mirror image.
    """

    place: int
    other: int
    likeness: float
    mirrored: bool


def perceptual_hashes(pictures: Iterable[Pixels], threads: int) -> NDArray[np.float32]:
    """A hash of what each picture shows, alike for alike pictures, whatever their size and file: (N, 64).

    It holds the lowest frequencies of the cosine transform, as usual (Zauner, 2010), but in full where others keep
    their signs alone, which say nothing in pictures with little detail. Its length is 1; 0 for a plain picture.

    pictures: RGB; needed one after the other.
    """
    found = [np.empty((0, FREQUENCIES**2), np.float32)]
    with closing(chunks_in_order(_gray_square, pictures, threads, TOGETHER)) as chunks:
        for squares in chunks:
            amplitudes = (_COSINES @ np.stack(squares) @ _COSINES.T) * _WEIGHTS
            hashes = amplitudes.reshape(len(squares), -1)
            lengths = np.linalg.norm(hashes, axis=1, keepdims=True)
            found.append(np.where(lengths > PLAIN * EDGE, hashes / np.maximum(lengths, 1), 0).astype(np.float32))
    return np.concatenate(found)


def near_duplicates(hashes: NDArray[np.float32], others: NDArray[np.float32]) -> list[Duplicate]:
    """The pictures, by their hashes, that are nearly one of `others` or its mirror image, each with the nearest."""
    found = []
    for start in range(0, len(hashes) if len(others) else 0, BLOCK):
        some = hashes[start : start + BLOCK]
        likeness = np.concatenate([some @ others.T, (some * _MIRROR) @ others.T], axis=1)
        nearest = likeness.argmax(axis=1)
        for place in np.flatnonzero(likeness.max(axis=1) >= NEAR).tolist():
            mirrored, other = divmod(int(nearest[place]), len(others))
            alike = min(1.0, float(likeness[place, nearest[place]]))
            found.append(Duplicate(start + place, other, alike, bool(mirrored)))
    return found


def _gray_square(picture: Pixels) -> NDArray[np.float32]:
    small = cv2.resize(picture, (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
