"""What is behind a drawn animal: a plain colour, a gradient, clouds, confetti or a room."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import numpy.typing as npt

from catdog_exp.sources.synthetic.canvas import Colour, Pixels, mixed


def background(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """A new picture with nothing but a background."""
    first, second = pale_colour(rng), pale_colour(rng)
    kind = rng.integers(5)
    if kind == 0:  # a gradient from corner to corner
        between = mixed(first, second, 0.5)
        return _enlarged(np.array([[first, between], [between, second]]), height, width)
    if kind == 1:  # soft clouds of colour
        clouds = np.array(first) + rng.normal(0, 26, (rng.integers(3, 9), rng.integers(3, 9), 3))
        return _enlarged(clouds, height, width)
    pixels = np.empty((height, width, 3), np.uint8)
    cv2.rectangle(pixels, (0, 0), (width, height), first, -1)
    if kind == 2:
        _confetti(rng, pixels)
    elif kind == 3:
        _room(rng, pixels, second)
    return pixels


def pale_colour(rng: np.random.Generator) -> Colour:
    """Any hue, rather pale."""
    hue, paleness, value = rng.uniform(0, 1), rng.uniform(0.4, 0.9), rng.uniform(110, 245)
    red, green, blue = colorsys.hsv_to_rgb(hue, 1 - paleness, value)
    return red, green, blue


def _confetti(rng: np.random.Generator, pixels: Pixels) -> None:
    height, width = pixels.shape[:2]
    for _ in range(rng.integers(5, 16)):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        size = int(rng.uniform(0.04, 0.2) * min(height, width))
        kind = rng.integers(3)
        if kind == 0:
            cv2.circle(pixels, (x, y), size, pale_colour(rng), -1, cv2.LINE_AA)
        elif kind == 1:
            corner = x + size, y + int(size * rng.uniform(0.5, 2))
            cv2.rectangle(pixels, (x, y), corner, pale_colour(rng), -1)
        else:
            corners = np.array([x, y]) + rng.uniform(-size, size, (3, 2))
            cv2.fillPoly(pixels, [corners.astype(np.int32)], pale_colour(rng), cv2.LINE_AA)


def _room(rng: np.random.Generator, pixels: Pixels, floor: Colour) -> None:
    height, width = pixels.shape[:2]
    step = max(6, int(width * rng.uniform(0.06, 0.14)))
    paper = tuple(float(part) * 0.93 for part in pixels[0, 0])
    for x in range(0, width, 2 * step):
        cv2.rectangle(pixels, (x, 0), (x + step, height), paper, -1)
    horizon = int(height * rng.uniform(0.55, 0.85))
    cv2.rectangle(pixels, (0, horizon), (width, height), floor, -1)
    skirting = mixed(floor, (0, 0, 0), 0.3)
    cv2.line(pixels, (0, horizon), (width, horizon), skirting, max(1, height // 90))


def _enlarged(small: npt.NDArray[np.float64], height: int, width: int) -> Pixels:
    colours = np.clip(small, 0, 255).astype(np.uint8)
    return cv2.resize(colours, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
