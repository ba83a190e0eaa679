"""A drawn cat: pointed ears, wide cheeks, slit eyes, a small nose, whiskers, a long tail."""

from __future__ import annotations

import numpy as np

from catdog_exp.sources.synthetic.canvas import Canvas, Colour, mirrored, mixed
from catdog_exp.sources.synthetic.figure import INK, PINK, WHITE, Look, draw_body, draw_head, draw_tail


def draw_cat(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """A sitting cat: wide cheeks, small nose, whiskers, a long tail."""
    wide = rng.uniform(0.94, 1.1)
    draw_tail(canvas, look, rng, length=rng.uniform(1.6, 2.4))
    draw_body(canvas, look, rng, width=rng.uniform(0.75, 0.95))
    head = canvas.moved(0, 0, wide)
    tall = rng.uniform(0.9, 1.1)
    for side in (-1, 1):
        _ear(head, look, side, tall)
    cheek = rng.uniform(0.0, 0.12)
    right = [(0.5, -0.98), (0.98, -0.5), (1.12, 0.2), (1.1 + cheek, 0.5), (0.74, 0.88), (0.3, 1.0)]
    draw_head(head, look, rng, right)
    face = head.moved(*look.turn)
    for side in (-1, 1):
        _eye(face, look, side, slit=rng.uniform(0.04, 0.11))
    for side in (-1, 1):
        face.oval(side * 0.17, 0.5, 0.25, 0.19, look.belly)
    nose = PINK if rng.random() < 0.6 else mixed(look.marks, INK, 0.5)
    face.blob([(-0.16, 0.26), (0.16, 0.26), (0.04, 0.43), (-0.04, 0.43)], nose)
    face.line([(0, 0.4), (0, 0.5), (-0.1, 0.58), (-0.22, 0.55)], 0.03, INK)
    face.line([(0, 0.5), (0.1, 0.58), (0.22, 0.55)], 0.03, INK)
    light = sum(look.coat) < 420
    for side in (-1, 1):
        for slope in (-0.16, 0.0, 0.14):
            _whisker(face, side, slope + rng.uniform(-0.04, 0.04), WHITE if light else INK)


def _ear(head: Canvas, look: Look, side: int, tall: float) -> None:
    colour = look.marks if look.pattern == "points" else mixed(look.coat, INK, 0.18)
    if look.ears == "pointed":
        tip = -1.62 * tall
        back = [(1.04, -0.2), (1.0, -0.9 * tall), (0.82, tip), (0.44, -1.3 * tall), (0.12, -0.8)]
        inside = [(0.9, -0.4), (0.77, tip + 0.3), (0.34, -0.8)]
        head.fill(mirrored(back, side), colour)
        head.fill(mirrored(inside, side), mixed(PINK, look.coat, 0.3))
    else:
        fold = [(0.25, -0.8), (0.5, -1.2), (0.95, -1.14), (1.08, -0.3)]
        head.blob(mirrored(fold, side), colour)


def _eye(face: Canvas, look: Look, side: int, slit: float) -> None:
    x, y, tilt = side * 0.43, -0.04, side * -0.25
    face.oval(x, y, 0.27, 0.22, mixed(look.coat, INK, 0.75), tilt)
    face.oval(x, y, 0.235, 0.19, look.iris, tilt)
    face.oval(x, y, slit, 0.18, INK)
    face.oval(x - 0.07, y - 0.08, 0.05, 0.05, WHITE)


def _whisker(face: Canvas, side: int, slope: float, colour: Colour) -> None:
    hair = [(0.3, 0.48), (0.75, 0.46 + slope * 0.6), (1.3, 0.5 + slope * 1.6)]
    face.line(mirrored(hair, side), 0.018, colour)
