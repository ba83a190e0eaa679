"""One drawn picture of a cat or a dog: a background, the animal, and what makes it hard to see."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from catdog_exp.sources.synthetic.background import background, pale_colour
from catdog_exp.sources.synthetic.canvas import Canvas, Pixels
from catdog_exp.sources.synthetic.cat import draw_cat
from catdog_exp.sources.synthetic.dog import draw_dog
from catdog_exp.sources.synthetic.figure import CAT_FURS, DOG_FURS, random_look

DRAWERS = [draw_cat, draw_dog]  # by label
FURS = [CAT_FURS, DOG_FURS]
EARS = [("pointed", "folded"), ("floppy", "pointed")]  # the usual ones, and those that mislead
QUALITY = 88  # of the JPEG files
SHORTEST, LONGEST = 60, 500  # edges of a picture, pixels

# How often a picture has what makes it hard; two in five have nothing of it.
ODD_EARS = 0.2
TINY = 0.1
HIDDEN = 0.18
BLURRED, FADED, NOISY = 0.12, 0.15, 0.1  # at most one of these three


def draw(label: int, seed: int, index: int) -> bytes:
    """A JPEG file with a cat (label 0) or a dog (label 1), the same bytes for the same three numbers."""
    rng = np.random.default_rng([seed, index])
    height, width = _size(rng)
    pixels = background(rng, height, width)
    canvas = Canvas(pixels, _pose(rng, height, width))
    usual, odd = EARS[label]
    ears = odd if rng.random() < ODD_EARS else usual
    DRAWERS[label](canvas, random_look(rng, FURS[label], ears), rng)
    if rng.random() < HIDDEN:
        _hide(rng, canvas)
    chance = rng.random()
    if chance < BLURRED:
        pixels = _blurred(rng, pixels)
    elif chance < BLURRED + FADED:
        pixels = _faded(rng, pixels)
    elif chance < BLURRED + FADED + NOISY:
        pixels = _noisy(rng, pixels)
    return _jpeg(pixels)


def _size(rng: np.random.Generator) -> tuple[int, int]:
    long = rng.uniform(90, LONGEST)
    short = max(SHORTEST, long * rng.uniform(0.66, 1.0))
    height, width = (long, short) if rng.random() < 0.5 else (short, long)
    return int(height), int(width)


def _pose(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    short = min(height, width)
    tiny = rng.random() < TINY
    radius = short * (rng.uniform(0.09, 0.14) if tiny else rng.uniform(0.22, 0.34))
    x = width / 2 + rng.normal(0, 0.1) * short
    y = height / 2 + rng.normal(-0.06, 0.07) * short
    angle = rng.normal(0, 0.14)
    stretch = rng.uniform(0.9, 1.1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.zeros((2, 3))
    matrix[:, :2] = turn @ np.diag([radius * stretch, radius])
    matrix[:, 2] = x, y
    return matrix


def _hide(rng: np.random.Generator, canvas: Canvas) -> None:
    """Something in front of a part of the head."""
    x, y = rng.uniform(-0.9, 0.9), rng.uniform(-1.3, 0.7)
    kind = rng.integers(3)
    colour = pale_colour(rng)
    if kind == 0:  # a ball
        canvas.oval(x, y, 0.6, 0.6, colour)
        canvas.oval(x - 0.2, y - 0.2, 0.14, 0.14, (250, 250, 250))
    elif kind == 1:  # a post
        canvas.fill([(x - 0.28, -9), (x + 0.28, -9), (x + 0.28, 9), (x - 0.28, 9)], colour)
    else:  # the edge of a box
        low = rng.uniform(0.2, 0.9)
        canvas.fill([(-9, low), (9, low + rng.uniform(-0.5, 0.5)), (9, 9), (-9, 9)], colour)


def _blurred(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    radius = int(min(pixels.shape[:2]) * rng.uniform(0.04, 0.11))
    return cv2.stackBlur(pixels, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8, copy=False)


def _faded(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """As in fog or at dusk."""
    share, level = rng.uniform(0.15, 0.4), rng.uniform(30, 210)
    return cv2.convertScaleAbs(pixels, alpha=share, beta=(1 - share) * level).astype(np.uint8, copy=False)


def _noisy(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    strength = rng.uniform(12, 36)
    grain = strength * rng.standard_normal((height // 2, width // 2, 3), np.float32)
    coarse = cv2.resize(grain, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.clip(pixels + coarse, 0, 255).astype(np.uint8)


def _jpeg(pixels: Pixels) -> bytes:
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    written, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not written:
        raise RuntimeError("OpenCV could not encode a JPEG file")
    return data.tobytes()
