"""What drawn cats and dogs share: furs, head, body and tail.

A head has about radius 1 around the origin, the body is below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catdog_exp.sources.synthetic.canvas import Canvas, Colour, mixed, smooth

# Coat, marks, belly. Both animals wear every fur, so that colour alone does not settle which one it is.
FURS: list[tuple[Colour, Colour, Colour]] = [
    ((150, 152, 160), (96, 98, 108), (226, 228, 232)),  # grey
    ((224, 146, 72), (176, 96, 38), (252, 228, 196)),  # ginger
    ((58, 56, 62), (30, 29, 34), (236, 234, 230)),  # black and white
    ((240, 236, 228), (196, 184, 168), (255, 252, 246)),  # white
    ((140, 96, 62), (88, 58, 38), (226, 200, 168)),  # brown
    ((104, 70, 52), (62, 40, 30), (196, 152, 112)),  # chocolate
    ((232, 206, 164), (190, 150, 100), (252, 240, 216)),  # cream
    ((212, 166, 100), (150, 104, 56), (248, 226, 184)),  # golden
]
CAT_FURS = np.array([5, 5, 4, 3, 2, 2, 2, 2]) / 25  # how common each is
DOG_FURS = np.array([2, 2, 3, 2, 4, 3, 4, 5]) / 25
INK: Colour = (38, 30, 32)
PINK: Colour = (232, 150, 152)
WHITE: Colour = (252, 252, 250)
EYES: list[Colour] = [(120, 176, 74), (222, 176, 52), (84, 152, 208), (172, 112, 50), (96, 62, 36)]
COLLARS: list[Colour] = [(206, 52, 58), (42, 104, 190), (40, 150, 110), (240, 176, 40), (142, 76, 168)]

PATTERNS = ["plain", "stripes", "spots", "blaze", "patch", "points"]


@dataclass(frozen=True)
class Look:
    """What one animal looks like. Colours by role; `pattern` is one of PATTERNS.

    ears: what the ears are: "pointed", "folded" or "floppy". turn: how far the face looks aside, x and y.
    """

    coat: Colour
    marks: Colour
    belly: Colour
    iris: Colour
    pattern: str
    ears: str
    turn: tuple[float, float]


def random_look(rng: np.random.Generator, furs: npt.NDArray[np.float64], ears: str) -> Look:
    """A look with colours near one of FURS, taken with the probabilities `furs`."""
    shift = rng.normal(0, 12) + rng.normal(0, 4, 3)
    coat, marks, belly = (_shifted(colour, shift) for colour in FURS[rng.choice(len(FURS), p=furs)])
    return Look(
        coat=coat,
        marks=marks,
        belly=belly,
        iris=EYES[rng.integers(len(EYES))],
        pattern=PATTERNS[rng.integers(len(PATTERNS))],
        ears=ears,
        turn=(rng.uniform(-0.16, 0.16), rng.uniform(-0.08, 0.1)),
    )


def draw_head(head: Canvas, look: Look, rng: np.random.Generator, right: Sequence[tuple[float, float]]) -> None:
    """A head with its pattern and hair.

    right: its outline on the right, from the crown to the chin; the left is its mirror image.
    """
    outline = smooth([*right, *((-x, y) for x, y in reversed(right))])
    centre = outline.mean(axis=0)
    head.fill(outline, mixed(look.coat, INK, 0.22))
    for step in range(1, 6):  # rings that get lighter towards the light, above
        size = 1 - 0.07 * step
        light = mixed(mixed(look.coat, INK, 0.22), mixed(look.coat, WHITE, 0.08), step / 5)
        head.fill((outline - centre) * size + centre + (0, -0.03 * step), light)
    _pattern(head.moved(*look.turn), look, rng)
    _fur(head, look, rng, outline)


def draw_body(canvas: Canvas, look: Look, rng: np.random.Generator, width: float) -> None:
    """A sitting body with front legs, from the front, some with a collar. width: half, at the chest."""
    shade = mixed(look.coat, INK, 0.25)
    canvas.blob(
        [(-0.6, 0.4), (0.6, 0.4), (width, 1.6), (width + 0.35, 3.1), (-width - 0.35, 3.1), (-width, 1.6)],
        shade,
    )
    canvas.blob(
        [(-0.5, 0.4), (0.5, 0.4), (width * 0.85, 1.6), (width, 2.9), (-width, 2.9), (-width * 0.85, 1.6)],
        mixed(look.coat, INK, 0.1),
    )
    canvas.blob([(-0.4, 0.7), (0.4, 0.7), (0.5, 1.5), (0, 2.1), (-0.5, 1.5)], look.belly)
    for side in (-1, 1):
        canvas.blob([(side * 0.08, 1.8), (side * 0.5, 1.8), (side * 0.52, 3.2), (side * 0.06, 3.2)], look.coat)
        canvas.line([(side * 0.06, 2.0), (side * 0.06, 2.8)], 0.03, shade)
        canvas.oval(side * 0.3, 2.98, 0.32, 0.17, mixed(look.belly, look.coat, 0.3))
    if rng.random() < 0.35:
        upper = [(-0.7, 0.85), (-0.3, 1.1), (0.3, 1.1), (0.7, 0.85)]
        lower = [(0.72, 1.1), (0.3, 1.36), (-0.3, 1.36), (-0.72, 1.1)]
        canvas.blob(upper + lower, COLLARS[rng.integers(len(COLLARS))])
        canvas.oval(0, 1.4, 0.13, 0.13, (244, 206, 84))


def draw_tail(canvas: Canvas, look: Look, rng: np.random.Generator, length: float) -> None:
    """A tail that curls up on one side."""
    side = 1 if rng.random() < 0.5 else -1
    way = np.linspace(0, 1, 12)
    x = side * (0.8 + 0.9 * np.sin(way * 2.2))
    y = 2.8 - length * way
    canvas.line(np.stack([x, y], axis=1), 0.3, mixed(look.coat, INK, 0.2))
    canvas.line(np.stack([x[-4:], y[-4:]], axis=1), 0.3, look.marks)


def _pattern(face: Canvas, look: Look, rng: np.random.Generator) -> None:
    if look.pattern == "stripes":
        for x in (-0.26, 0.0, 0.26):
            face.blob(
                [(x - 0.07, -0.82), (x + 0.07, -0.82), (x * 0.8 + 0.03, -0.34), (x * 0.8 - 0.03, -0.34)],
                look.marks,
            )
        for side in (-1, 1):
            for y in (0.14, 0.36):
                face.blob([(side * 0.95, y - 0.08), (side * 0.95, y + 0.06), (side * 0.58, y + 0.03)], look.marks)
    elif look.pattern == "spots":
        for _ in range(9):
            size = rng.uniform(0.06, 0.17)
            face.oval(rng.uniform(-0.65, 0.65), rng.uniform(-0.7, 0.6), size, size * 0.8, look.marks)
    elif look.pattern == "blaze":
        face.blob(
            [(-0.1, -0.95), (0.1, -0.95), (0.14, -0.1), (0.5, 0.6), (0, 1), (-0.5, 0.6), (-0.14, -0.1)],
            look.belly,
        )
    elif look.pattern == "patch":
        side = 1 if rng.random() < 0.5 else -1
        face.oval(side * 0.42, -0.12, 0.38, 0.42, look.marks, side * 0.4)
    elif look.pattern == "points":
        face.blob([(-0.35, -0.3), (0.35, -0.3), (0.62, 0.5), (0.3, 0.95), (-0.3, 0.95), (-0.62, 0.5)], look.marks)


def _fur(head: Canvas, look: Look, rng: np.random.Generator, outline: npt.NDArray[np.float64]) -> None:
    inner = outline[rng.integers(len(outline), size=110)] * rng.uniform(0.3, 1.0, (110, 1))
    ends = inner * 1.07 + rng.normal(0, 0.02, inner.shape) + (0, 0.03)
    head.strokes(inner[:60], ends[:60], mixed(look.coat, INK, 0.3))
    head.strokes(inner[60:], ends[60:], mixed(look.coat, WHITE, 0.3))


def _shifted(colour: Colour, shift: Iterable[float]) -> Colour:
    red, green, blue = (float(min(max(part + step, 8), 250)) for part, step in zip(colour, shift, strict=True))
    return red, green, blue
