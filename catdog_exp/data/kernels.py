"""The loops over pixels of augmentation: in whole numbers, or in floats that are never summed up, for equal bits.

Crops are uint8 RGB of shape (N, 3, size, size). All sizes, places and offsets are int64. No place can lead
outside of a picture: beyond its border it is mirrored, without repeating the outermost pixel.

Where crops come out of pictures, each pixel's colour is first fetched as one whole word; then the words of a crop
are taken apart by loops so plain that they become vector instructions. They are functions of their own for that:
given numbers and flat arrays, the compiler sees that what it writes is not what it reads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catdog_exp.compiled import compiled

Crops = NDArray[np.uint8]
Whole = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float32]
Fractions = NDArray[np.int32]

# Binary places behind the point in whole numbers that stand for fractions.
PLACE_BITS = 16
BLEND_BITS = 8

# Of `cut` and `warp`: no matrices, no greys.
UNCHANGED = np.empty((0, 3, 3), np.float32), np.empty(0, np.float32)

WORD = 8  # bytes
COLOUR_BITS = 24


def words(pixels: NDArray[np.uint8]) -> Words:
    """The eight bytes that start at each byte of a flat array, as one whole number each: a view, for reading alone.

    The lowest 24 bits of a pixel's word are its colour, the next ones that of the pixel after it. The last WORD - 1
    bytes have no word.
    """
    # Of plain type: compiled code would be compiled anew for a mapped file, or for one to be written to.
    view: Words = np.ndarray((len(pixels) - WORD + 1,), "<u8", np.asarray(pixels).view(np.ndarray), strides=(1,))
    view.flags.writeable = False
    return view


@compiled
def _mirrored(place: int, length: int) -> int:
    if 0 <= place < length:
        return place
    last = length - 1
    return last - abs(last - place % max(2 * last, 1))


@compiled
def _total(channel: Crops) -> np.int64:
    total = np.uint32(0)
    for at in range(len(channel)):
        total = np.uint32(total + channel[at])
    return np.int64(total)


@compiled
def _weighed(
    red: Crops,
    green: Crops,
    blue: Crops,
    by_red: np.float32,
    by_green: np.float32,
    by_blue: np.float32,
    added: np.float32,
    out: Crops,
) -> None:
    for at in range(len(out)):
        value = by_red * red[at] + by_green * green[at] + by_blue * blue[at] + added
        out[at] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))


@compiled
def _recolour(crop: Crops, matrix: Floats, share: np.float32) -> None:
    """Multiply each pixel's colour by a matrix, and add to it a share of the crop's mean grey.

    crop: of shape (3, pixels).
    """
    red, green, blue = crop.copy()
    # Luma after ITU-R BT.601.
    grey = np.float32((299 * _total(red) + 587 * _total(green) + 114 * _total(blue)) / (1000 * len(red)))
    added = share * grey + np.float32(0.5)
    for channel in range(3):
        by_red, by_green, by_blue = matrix[channel]
        _weighed(red, green, blue, by_red, by_green, by_blue, added, crop[channel])


@compiled
def _channel(colours: Words, shift: np.uint64, out: Crops) -> None:
    """One channel, the byte that starts at this bit, of each colour."""
    for at in range(len(out)):
        out[at] = colours[at] >> shift


@compiled
def cut(
    words: Words,
    offsets: Whole,
    heights: Whole,
    widths: Whole,
    tops: Whole,
    lefts: Whole,
    flips: Whole,
    matrices: Floats,
    greys: Floats,
    out: Crops,
) -> None:
    """Copy crops out of pictures that lie one behind the other in `pixels` (`DecodedPictures`), and recolour them.

    words: of `pixels`. offsets, heights, widths: of the pictures, shape (N,). tops, lefts: where the crops start,
    shape (N,), any whole numbers. flips: 1 mirrors left and right, shape (N,). matrices: what each pixel's colour is
    multiplied by, shape (N, 3, 3). greys: shares of the crop's mean grey that are then added, shape (N,). Where
    there are no matrices, the colours stay. out: the crops.
    """
    size = out.shape[3]
    planes = out.reshape(len(out), 3, -1)
    colours = np.empty(size * size, np.uint64)
    columns = np.empty(size, np.int64)
    for n in range(len(out)):
        for x in range(size):
            columns[x] = 3 * _mirrored(lefts[n] + (size - 1 - x if flips[n] else x), widths[n])
        at = np.uintp(0)  # without a sign, an index costs less: with it, it might count from the end
        for y in range(size):
            row = offsets[n] + 3 * widths[n] * _mirrored(tops[n] + y, heights[n])
            for x in range(size):
                colours[at] = words[np.uintp(row + columns[x])]
                at += np.uintp(1)
        for channel in range(3):
            _channel(colours, np.uint64(8 * channel), planes[n, channel])
        if len(matrices):
            _recolour(planes[n], matrices[n], greys[n])


def load() -> None:
    """Start Numba, with the compiled code that most batches need, ahead of the first of them."""
    pixels, none = words(np.empty(2 * WORD, np.uint8)), np.empty(0, np.int64)
    cut(pixels, none, none, none, none, none, none, *UNCHANGED, np.empty((0, 3, 1, 1), np.uint8))


@compiled
def _between(upper: Words, lower: Words, down: Fractions, across: Fractions, shift: np.uint64, out: Crops) -> None:
    """One channel, the byte that starts at this bit, of the colours between four neighbours.

    upper, lower: words of the left ones. down, across: how far from one to the other, in units of 2**-PLACE_BITS.
    """
    half = 1 << 2 * PLACE_BITS - 1
    byte = np.uint64(255)
    for at in range(len(out)):
        above, below = upper[at] >> shift, lower[at] >> shift
        left, right = np.int64(above & byte), np.int64(above >> np.uint64(COLOUR_BITS) & byte)
        over = (left << PLACE_BITS) + (right - left) * np.int64(across[at])
        left, right = np.int64(below & byte), np.int64(below >> np.uint64(COLOUR_BITS) & byte)
        under = (left << PLACE_BITS) + (right - left) * np.int64(across[at])
        out[at] = ((over << PLACE_BITS) + (under - over) * np.int64(down[at]) + half) >> 2 * PLACE_BITS


@compiled
def _within(down: int, across: int, height: int, width: int) -> bool:
    """Whether all four neighbours of a place lie in the picture."""
    return 0 <= down >> PLACE_BITS < height - 1 and 0 <= across >> PLACE_BITS < width - 1


@compiled
def _pair(words: Words, left: int, right: int) -> np.uint64:
    """A word of two colours that need not lie side by side."""
    colour = np.uint64((1 << COLOUR_BITS) - 1)
    pair: np.uint64 = words[np.uintp(left)] & colour | words[np.uintp(right)] << np.uint64(COLOUR_BITS)
    return pair


@compiled
def warp(
    words: Words,
    offsets: Whole,
    heights: Whole,
    widths: Whole,
    maps: Whole,
    matrices: Floats,
    greys: Floats,
    out: Crops,
) -> None:
    """Fill crops with what lies at places of pictures, between pixels by bilinear interpolation; and recolour them.

    maps: shape (N, 2, 3), in units of 2**-PLACE_BITS pixels: for each crop the row and the column in the
    picture of its first pixel, and how much they change from one pixel to the next down and across:
    `maps[n] @ (1, y, x)`. Otherwise as `cut`.
    """
    size = out.shape[3]
    planes = out.reshape(len(out), 3, -1)
    fraction = (1 << PLACE_BITS) - 1
    # A crop's. An index without a sign costs less: one with it might count from the end.
    upper, lower = np.empty(size * size, np.uint64), np.empty(size * size, np.uint64)
    below, after = np.empty(size * size, np.int32), np.empty(size * size, np.int32)
    places = np.empty(size, np.uintp)  # of a row
    for n in range(len(out)):
        height, width, stride, start = heights[n], widths[n], 3 * widths[n], offsets[n]
        step_down, step_across = maps[n, 0, 2], maps[n, 1, 2]
        for y in range(size):
            down, across = maps[n, 0, 0] + y * maps[n, 0, 1], maps[n, 1, 0] + y * maps[n, 1, 1]
            last_down, last_across = down + (size - 1) * step_down, across + (size - 1) * step_across
            for x in range(size):
                row, column = down + x * step_down, across + x * step_across
                at = np.uintp(y * size + x)
                below[at], after[at] = row & fraction, column & fraction
                places[x] = start + stride * (row >> PLACE_BITS) + 3 * (column >> PLACE_BITS)
            if _within(down, across, height, width) and _within(last_down, last_across, height, width):
                for x in range(size):
                    at = np.uintp(y * size + x)
                    upper[at], lower[at] = words[places[x]], words[places[x] + np.uintp(stride)]
            else:
                for x in range(size):
                    at = np.uintp(y * size + x)
                    row, column = (down + x * step_down) >> PLACE_BITS, (across + x * step_across) >> PLACE_BITS
                    one, under = start + stride * _mirrored(row, height), start + stride * _mirrored(row + 1, height)
                    left, right = 3 * _mirrored(column, width), 3 * _mirrored(column + 1, width)
                    upper[at] = _pair(words, one + left, one + right)
                    lower[at] = _pair(words, under + left, under + right)
        for channel in range(3):
            _between(upper, lower, below, after, np.uint64(8 * channel), planes[n, channel])
        if len(matrices):
            _recolour(planes[n], matrices[n], greys[n])


@compiled
def blend(crops: Crops, others: Crops, boxes: Whole, weights: Whole) -> None:
    """Mix into each crop, within its box, the other one.

    boxes: top, left, bottom, right (the last two excluded), shape (N, 4), within the crops.
    weights: of the crop itself, shape (N,), in units of 2**-BLEND_BITS.
    """
    for n in range(len(crops)):
        own = weights[n]
        other = (1 << BLEND_BITS) - own
        for channel in range(3):
            for y in range(boxes[n, 0], boxes[n, 2]):
                for x in range(boxes[n, 1], boxes[n, 3]):
                    mixed = own * crops[n, channel, y, x] + other * others[n, channel, y, x]
                    crops[n, channel, y, x] = (mixed + (1 << BLEND_BITS - 1)) >> BLEND_BITS
