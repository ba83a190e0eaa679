"""A drawn dog: hanging ears, a long muzzle with a large nose, round eyes, often a tongue."""

from __future__ import annotations

import numpy as np

from catdog_exp.sources.synthetic.canvas import Canvas, mirrored, mixed
from catdog_exp.sources.synthetic.figure import INK, PINK, WHITE, Look, draw_body, draw_head, draw_tail

TONGUE = (236, 112, 124)


def draw_dog(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """A sitting dog: a long muzzle with a large nose, round eyes, often a tongue."""
    narrow = rng.uniform(0.86, 1.0)
    draw_tail(canvas, look, rng, length=rng.uniform(0.9, 1.5))
    draw_body(canvas, look, rng, width=rng.uniform(0.85, 1.1))
    head = canvas.moved(0, 0, narrow)
    if look.ears == "pointed":
        for side in (-1, 1):
            _pointed_ear(head, look, side)
    right = [(0.5, -1.0), (0.94, -0.72), (0.98, -0.1), (0.8, 0.55), (0.62, 1.0), (0.26, 1.2)]
    draw_head(head, look, rng, right)
    if look.ears == "floppy":
        length = rng.uniform(0.75, 1.15)
        for side in (-1, 1):
            _hanging_ear(head, look, side, length)
    face = head.moved(*look.turn)
    long = rng.uniform(0.0, 0.18)
    for side in (-1, 1):
        _eye(face, look, side)
    if rng.random() < 0.45:
        tongue = mixed(TONGUE, INK, rng.uniform(0, 0.15))
        tip = 1.25 + long
        face.blob([(-0.2, 0.75), (0.2, 0.75), (0.22, tip), (0, tip + 0.17), (-0.22, tip)], tongue)
        face.line([(0, 0.9), (0, tip - 0.05)], 0.03, mixed(tongue, INK, 0.25))
    muzzle = look.marks if look.pattern == "points" else look.belly
    half = [(0.3, 0.02), (0.6, 0.6), (0.5, 1.05 + long), (0, 1.1 + long)]
    face.blob(half + mirrored(half[-2::-1], -1), mixed(muzzle, look.coat, 0.1))
    nose = mixed(INK, look.marks, rng.uniform(0, 0.25))
    face.blob([(-0.3, 0.2), (0.3, 0.2), (0.3, 0.4), (0.08, 0.58), (-0.08, 0.58), (-0.3, 0.4)], nose)
    face.oval(-0.08, 0.28, 0.08, 0.035, mixed(nose, WHITE, 0.5))
    smile = [(0.0, 0.5), (0.0, 0.74), (0.14, 0.84), (0.36, 0.74)]
    for side in (-1, 1):
        face.line(mirrored(smile, side), 0.04, INK)


def _hanging_ear(head: Canvas, look: Look, side: int, length: float) -> None:
    colour = mixed(look.marks, INK, 0.12)
    end = -0.55 + length
    right = [(0.4, -1.0), (0.85, -1.05), (1.2, -0.7), (1.36, end - 0.2), (1.2, end + 0.25), (0.95, end + 0.1)]
    shape = mirrored([*right, (0.82, -0.5)], side)
    head.blob(shape, colour)
    head.blob([(0.9 * x + 0.12 * side, 0.9 * y - 0.02) for x, y in shape], mixed(colour, WHITE, 0.08))


def _pointed_ear(head: Canvas, look: Look, side: int) -> None:
    colour = mixed(look.marks, INK, 0.1)
    back = [(0.1, -0.7), (0.3, -1.4), (0.55, -1.95), (0.86, -1.5), (1.0, -0.4)]
    inside = [(0.34, -0.85), (0.55, -1.65), (0.82, -0.7)]
    head.blob(mirrored(back, side), colour)
    head.blob(mirrored(inside, side), mixed(PINK, look.marks, 0.55))


def _eye(face: Canvas, look: Look, side: int) -> None:
    x, y = side * 0.4, -0.22
    face.oval(x, y, 0.17, 0.17, mixed(look.coat, INK, 0.7))
    face.oval(x, y, 0.14, 0.145, mixed(look.iris, INK, 0.35))
    face.oval(x, y, 0.085, 0.09, INK)
    face.oval(x - 0.04, y - 0.05, 0.04, 0.04, WHITE)
    brow = [(0.24, -0.48), (0.4, -0.54), (0.54, -0.48)]
    face.line(mirrored(brow, side), 0.05, mixed(look.coat, INK, 0.35))
