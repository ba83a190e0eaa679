"""A picture to draw on with smooth shapes, in the figure's own coordinates."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Colour = tuple[float, float, float]  # red, green, blue in 0..255
Points = Sequence[tuple[float, float]] | npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]  # (height, width, 3), RGB

_SUBPIXEL_BITS = 4
_CIRCLE = np.stack([f(np.linspace(0, 2 * np.pi, 40, endpoint=False)) for f in (np.cos, np.sin)], axis=1)


class Canvas:
    """Draws onto `pixels` what is given in a figure's coordinates: x to the right, y down.

    matrix: 2 × 3, from the figure's coordinates to pixels.
    """

    def __init__(self, pixels: Pixels, matrix: npt.NDArray[np.float64]) -> None:
        self.pixels = pixels
        self.matrix = matrix
        self.scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))

    def moved(self, x: float, y: float, narrow: float = 1.0) -> Canvas:
        """The same picture with the origin at (x, y) and the x axis `narrow` times as long."""
        step = np.array([[narrow, 0, x], [0, 1, y], [0, 0, 1]])
        return Canvas(self.pixels, self.matrix @ step)

    def fill(self, points: Points, colour: Colour) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.pixels, [self._pixels(points)], colour, cv2.LINE_AA, _SUBPIXEL_BITS)

    def blob(self, points: Points, colour: Colour) -> None:
        """A filled shape with a smooth outline near `points`."""
        self.fill(smooth(points), colour)

    def oval(self, x: float, y: float, width: float, height: float, colour: Colour, angle: float = 0.0) -> None:
        """A filled ellipse of two half axes, turned by `angle` (radians, clockwise)."""
        self.fill(oval(x, y, width, height, angle), colour)

    def line(self, points: Points, width: float, colour: Colour) -> None:
        """A line through `points`, `width` thick, at least one pixel."""
        thickness = max(1, round(width * self.scale))
        cv2.polylines(self.pixels, [self._pixels(points)], False, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)

    def strokes(self, starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], colour: Colour) -> None:
        """Many hairs of one pixel, from each of `starts` (N, 2) to the `ends` (N, 2)."""
        both = self._pixels(np.stack([starts, ends], axis=1).reshape(-1, 2)).reshape(-1, 2, 2)
        cv2.polylines(self.pixels, list(both), False, colour, 1, cv2.LINE_AA, _SUBPIXEL_BITS)

    def _pixels(self, points: Points) -> npt.NDArray[np.int32]:
        there = np.asarray(points, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]
        fixed: npt.NDArray[np.int32] = np.round(there * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        return fixed


def oval(x: float, y: float, width: float, height: float, angle: float = 0.0) -> npt.NDArray[np.float64]:
    """The outline of an ellipse, (40, 2)."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    outline: npt.NDArray[np.float64] = (_CIRCLE * (width, height)) @ turn + (x, y)
    return outline


def smooth(points: Points) -> npt.NDArray[np.float64]:
    """A closed polygon with its corners cut three times (Chaikin, 1974), (8 N, 2)."""
    return _corner_cutting(len(points)) @ np.asarray(points, np.float64)


@functools.cache
def _corner_cutting(corners: int) -> npt.NDArray[np.float64]:
    cut = np.eye(corners)
    for _ in range(3):
        following = np.roll(cut, -1, axis=0)
        both = np.stack([0.75 * cut + 0.25 * following, 0.25 * cut + 0.75 * following], axis=1)
        cut = both.reshape(-1, corners)
    return cut


def mirrored(points: Sequence[tuple[float, float]], side: int) -> list[tuple[float, float]]:
    """Points given for the right, for `side` 1 (right) or -1 (left)."""
    return [(side * x, y) for x, y in points]


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two: `share` of the second, the rest of the first."""
    red, green, blue = (a + share * (b - a) for a, b in zip(first, second, strict=True))
    return red, green, blue
