"""Random crops out of decoded pictures: where they are cut, how they are turned, coloured and covered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catdog_exp.data import kernels, rng
from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.rng import uniform

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

GREY = 128  # what a hole is filled with: the middle of what a pixel can be
# In YIQ (NTSC, 1953) luma is one axis, and the two others a plane of colours: its angle is the hue, its distance from
# the middle the saturation. What each of these matrices leaves of an RGB colour: its luma; its part in the plane; that
# part, turned by a right angle.
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
TO_RGB = np.linalg.inv(TO_YIQ)
LUMA = TO_RGB @ np.diag([1, 0, 0]) @ TO_YIQ
CHROMA = TO_RGB @ np.diag([0, 1, 1]) @ TO_YIQ
TURNED_CHROMA = TO_RGB @ np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0]]) @ TO_YIQ


def augmented(
    pictures: DecodedPictures, chosen: Whole, augment: AugmentConfig, seed: int, epoch: int
) -> NDArray[np.uint8]:
    """The chosen pictures' crops as this epoch has them, uint8 RGB, shape (N, 3, size, size).
    Their edge is `augment.size`, or that of the packed pictures.

    What is done to a picture follows from seed, epoch and its index alone. In this order: cut (and scaled,
    turned, mirrored at once), coloured, covered. Mixing is not in it.

    chosen: indices of pictures, int64, shape (N,). epoch: counted from 1.
    """
    numbers = uniform(seed, epoch, chosen)
    size = augment.size or pictures.size
    crops = np.empty((len(chosen), 3, size, size), np.uint8)
    heights, widths = pictures.heights[chosen], pictures.widths[chosen]
    source = (kernels.words(pictures.pixels), pictures.offsets[chosen], heights, widths)
    flips = _flips(augment, numbers, seed, epoch, chosen)
    recoloured = augment.brightness or augment.contrast or augment.saturation or augment.hue
    colours = _colours(augment, numbers) if recoloured else kernels.UNCHANGED
    if size != pictures.size or _is_warped(augment):
        maps = _maps(augment, numbers, heights, widths, pictures.size, size, flips)
        kernels.warp(*source, maps, *colours, crops)
    else:
        tops = _first(heights, size, numbers[rng.DOWN], augment)
        lefts = _first(widths, size, numbers[rng.ACROSS], augment)
        kernels.cut(*source, tops, lefts, flips, *colours, crops)
    if hole := round(augment.cutout * size):
        for crop, places in zip(crops, numbers[[rng.HOLE_DOWN, rng.HOLE_ACROSS]].T, strict=True):
            top, left = (int(place * (size - hole + 1)) for place in places)
            crop[:, top : top + hole, left : left + hole] = GREY
    return crops


def _flips(augment: AugmentConfig, numbers: Floats, seed: int, epoch: int, chosen: Whole) -> Whole:
    """1 for each picture to be mirrored, else 0, shape (N,)."""
    if augment.flip == "none":
        return np.zeros(len(chosen), np.int64)
    if augment.flip == "random":
        return np.asarray(numbers[rng.FLIP] < 0.5, np.int64)
    # Jordan: 94% on CIFAR-10 in 3.29 seconds on a single GPU, 2024: at random in the first epoch, then by turns.
    first = uniform(seed, 0, chosen)[rng.FLIP] < 0.5
    return np.asarray((first + epoch) % 2, np.int64)


def _first(lengths: Whole, size: int, numbers: Floats, augment: AugmentConfig) -> Whole:
    """Where each crop starts on an axis."""
    spare = lengths - size
    if augment.random_crop:
        lowest, highest = np.zeros_like(spare), spare
    else:
        lowest = highest = spare // 2
    choices = highest - lowest + 2 * augment.pad + 1
    first: Whole = lowest - augment.pad + np.floor(numbers * choices).astype(np.int64)
    return first


def _is_warped(augment: AugmentConfig) -> bool:
    return bool(augment.rotation) or augment.scale != [1, 1] or augment.aspect != [1, 1]


def _maps(
    augment: AugmentConfig,
    numbers: Floats,
    heights: Whole,
    widths: Whole,
    whole: int,
    size: int,
    flips: Whole,
) -> Whole:
    """The maps that `kernels.warp` takes: a cut of random area and aspect, turned about its middle.

    whole, size: edges of the crop that areas are shares of, and of the one that is made.
    """
    low, high = augment.scale
    area = low + (high - low) * numbers[rng.AREA]
    low, high = map(math.log, augment.aspect)
    aspect = np.exp(low + (high - low) * numbers[rng.ASPECT])
    angle = math.radians(augment.rotation) * (2 * numbers[rng.ANGLE] - 1)
    # Pixels of the picture in one of the crop.
    tall, wide = np.sqrt(area / aspect) * whole / size, np.sqrt(area * aspect) * whole / size
    sine, cosine = np.sin(angle), np.cos(angle)
    # How far row and column move from one pixel of the crop to the next, down and across.
    steps = np.array([[tall * cosine, wide * sine], [-tall * sine, wide * cosine]])
    steps[:, 1] *= 1 - 2 * flips
    middles = np.array(
        [
            _middle(heights, tall * size, numbers[rng.DOWN], augment),
            _middle(widths, wide * size, numbers[rng.ACROSS], augment),
        ]
    )
    first = middles - steps.sum(axis=1) * (size - 1) / 2
    maps = np.concatenate([first[:, None], steps], axis=1).transpose(2, 0, 1)
    return np.ascontiguousarray(np.rint(maps * 2**kernels.PLACE_BITS), np.int64)


def _middle(lengths: Whole, extent: Floats, numbers: Floats, augment: AugmentConfig) -> Floats:
    """The middle of each cut on an axis; pixels, counted from the first one's middle."""
    spare = np.maximum(lengths - extent, 0) if augment.random_crop else np.zeros(len(lengths))
    shift = (numbers - 0.5) * (spare + 2 * augment.pad)
    middle: Floats = (lengths - 1) / 2 + shift
    return middle


def _colours(augment: AugmentConfig, numbers: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The matrices and the shares of the mean grey that `kernels.cut` takes."""

    def factors(strength: float, column: int) -> Floats:
        return np.asarray(1 + strength * (2 * numbers[column] - 1))[:, None, None]

    brightness = factors(augment.brightness, rng.BRIGHTNESS)
    contrast = factors(augment.contrast, rng.CONTRAST)
    saturation = factors(augment.saturation, rng.SATURATION)
    turn = 2 * math.pi * (factors(augment.hue, rng.HUE) - 1)
    # Element by element: a library of linear algebra would wake threads of its own, for nothing.
    matrices = LUMA + saturation * (np.cos(turn) * CHROMA + np.sin(turn) * TURNED_CHROMA)
    matrices *= brightness * contrast
    return matrices.astype(np.float32), (brightness * (1 - contrast)).astype(np.float32).ravel()
