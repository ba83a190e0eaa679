"""The loops over pixels of augmentation: in whole numbers, or in floats that are never summed up, for equal bits.

Squares are uint8 RGB of shape (N, 3, size, size). All sizes, places and offsets are int64. No place can lead
outside of a picture: beyond its border it is mirrored, without repeating the outermost pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catdog_exp.compiled import compiled

Squares = NDArray[np.uint8]
Whole = NDArray[np.int64]

# Binary places behind the point in whole numbers that stand for fractions.
PLACE_BITS = 16
BLEND_BITS = 8


@compiled
def _mirrored(place: int, length: int) -> int:
    if 0 <= place < length:
        return place
    last = length - 1
    return last - abs(last - place % max(2 * last, 1))


@compiled
def cut(
    pixels: Squares,
    offsets: Whole,
    heights: Whole,
    widths: Whole,
    tops: Whole,
    lefts: Whole,
    flips: Whole,
    out: Squares,
) -> None:
    """Copy squares out of pictures that lie one behind the other in `pixels` (`DecodedPictures`).

    offsets, heights, widths: of the pictures, shape (N,). tops, lefts: where the squares start, shape (N,),
    any whole numbers. flips: 1 mirrors left and right, shape (N,). out: the squares.
    """
    size = out.shape[3]
    columns = np.empty(size, np.int64)
    for n in range(len(out)):
        for x in range(size):
            columns[x] = 3 * _mirrored(lefts[n] + (size - 1 - x if flips[n] else x), widths[n])
        for y in range(size):
            row = offsets[n] + 3 * widths[n] * _mirrored(tops[n] + y, heights[n])
            for x in range(size):
                for channel in range(3):
                    # An index without a sign costs less: one with it might count from the end.
                    out[n, channel, y, x] = pixels[np.uintp(row + columns[x] + channel)]


def load() -> None:
    """Start Numba, with the compiled code that most batches need, ahead of the first of them."""
    pixels = np.empty(0, np.uint8)
    pixels.flags.writeable = False
    none = np.empty(0, np.int64)
    cut(pixels, none, none, none, none, none, none, np.empty((0, 3, 1, 1), np.uint8))


@compiled
def warp(pixels: Squares, offsets: Whole, heights: Whole, widths: Whole, maps: Whole, out: Squares) -> None:
    """Fill squares with what lies at places of pictures, between pixels by bilinear interpolation.

    maps: shape (N, 2, 3), in units of 2**-PLACE_BITS pixels: for each square the row and the column in the
    picture of its first pixel, and how much they change from one pixel to the next down and across:
    `maps[n] @ (1, y, x)`. Otherwise as `cut`.
    """
    size = out.shape[3]
    whole = 1 << PLACE_BITS
    half = 1 << 2 * PLACE_BITS - 1
    for n in range(len(out)):
        height, width, stride, start = heights[n], widths[n], 3 * widths[n], offsets[n]
        for y in range(size):
            down, across = maps[n, 0, 0] + y * maps[n, 0, 1], maps[n, 1, 0] + y * maps[n, 1, 1]
            for x in range(size):
                row, column = down >> PLACE_BITS, across >> PLACE_BITS
                to_below, to_after = down & (whole - 1), across & (whole - 1)
                down, across = down + maps[n, 0, 2], across + maps[n, 1, 2]
                if 0 <= row < height - 1 and 0 <= column < width - 1:
                    one = start + stride * row + 3 * column
                    after, below, both = one + 3, one + stride, one + stride + 3
                else:
                    above, left = start + stride * _mirrored(row, height), 3 * _mirrored(column, width)
                    under, right = start + stride * _mirrored(row + 1, height), 3 * _mirrored(column + 1, width)
                    one, after, below, both = above + left, above + right, under + left, under + right
                for channel in range(3):
                    upper = pixels[np.uintp(one + channel)] * (whole - to_after)
                    upper += pixels[np.uintp(after + channel)] * to_after
                    lower = pixels[np.uintp(below + channel)] * (whole - to_after)
                    lower += pixels[np.uintp(both + channel)] * to_after
                    mean = upper * (whole - to_below) + lower * to_below
                    out[n, channel, y, x] = (mean + half) >> 2 * PLACE_BITS


@compiled
def recolour(squares: Squares, matrices: NDArray[np.float32], greys: NDArray[np.float32]) -> None:
    """Multiply each pixel's colour by its square's matrix, and add to it a share of the square's mean grey.

    matrices: shape (N, 3, 3). greys: these shares, shape (N,).
    """
    for n in range(len(squares)):
        square = squares[n].reshape(3, -1)
        red, green, blue = square.copy()
        # Luma after ITU-R BT.601.
        grey = np.float32((299 * red.sum() + 587 * green.sum() + 114 * blue.sum()) / (1000 * len(red)))
        added = greys[n] * grey + np.float32(0.5)
        for channel in range(3):
            by_red, by_green, by_blue = matrices[n, channel]
            for at in range(len(red)):
                value = by_red * red[at] + by_green * green[at] + by_blue * blue[at] + added
                square[channel, at] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))


@compiled
def blend(squares: Squares, others: Squares, boxes: Whole, weights: Whole) -> None:
    """Mix into each square, within its box, the other one.

    boxes: top, left, bottom, right (the last two excluded), shape (N, 4), within the squares.
    weights: of the square itself, shape (N,), in units of 2**-BLEND_BITS.
    """
    for n in range(len(squares)):
        own = weights[n]
        other = (1 << BLEND_BITS) - own
        for channel in range(3):
            for y in range(boxes[n, 0], boxes[n, 2]):
                for x in range(boxes[n, 1], boxes[n, 3]):
                    mixed = own * squares[n, channel, y, x] + other * others[n, channel, y, x]
                    squares[n, channel, y, x] = (mixed + (1 << BLEND_BITS - 1)) >> BLEND_BITS
