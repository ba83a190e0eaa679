"""The scan of a JPEG decoded at a half, a quarter or an eighth of the picture's size.

The arithmetic is libjpeg's, to the bit, as OpenCV has it on x86: the inverse transforms of N × N points out of blocks
of 8 × 8 coefficients are those of its accurate integer method (C. Loeffler, A. Ligtenberg, G. Moschytz: Practical Fast
1-D DCT Algorithms with 11 Multiplications, 1989, and what is left of it for fewer points), with 13 bits for constants,
and 2 more bits of precision between the two passes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catdog_exp.images.jpeg.workspace import (
    AC,
    AREA,
    AREAS,
    CODE,
    COMPONENTS,
    DC,
    GROUP,
    HEIGHT,
    LANES,
    LENGTHS,
    LOOKUP_BITS,
    PLANE,
    QUANT,
    RESTART,
    ROW,
    SCAN,
    SECOND_SIZE,
    SECOND_STEP,
    SIZE,
    SIZES,
    STEP,
    STEPS,
    SUBSAMPLED,
    WIDTH,
    Integer,
    Workspace,
    compiled,
    inlined,
    int16,
    int32,
    int64,
    part,
    uint8,
    uint64,
)

# Where each coefficient of the zigzag stands in its area; what goes beyond the last lands in the bin behind.
ZIGZAG = LANES * np.array(
    [8 * row + column for row, column in sorted(np.ndindex(8, 8), key=lambda at: (sum(at), at[(sum(at) + 1) % 2]))]
    + [64] * 64
)
L1, L2, L3, L4, L5, L6, L7 = (LANES * column for column in range(1, 8))  # columns and rows of an area
C1, C2, C3, C4, C5, C6, C7 = (LANES * 8 * row for row in range(1, 8))
# Places in Workspace.reader: the last DC values of the three components; bytes of zeros read where there were no more;
# the bits that any coefficient has.
FAKED, WILD = 3, 4
LARGEST = 2047  # coefficient; what comes out of 8 bits a sample is far below, and what is beyond can overflow libjpeg's
AHEAD = 32  # bits there before each symbol, at the least; one takes 27 at most
RESTARTS = 8  # different markers RSTn
END_OF_IMAGE, FIRST_RESTART = 0xD9, 0xD0


@compiled
def decode_scan(data: NDArray[np.uint8], work: Workspace, picture: NDArray[np.uint8], points: int) -> bool:
    """Decode the scan of the JPEG in `data`, whose header `layout.read_layout` has read, into `picture`.

    picture: to be filled: BGR, row by row, at `points` / 8 of the JPEG's size, rounded up, as an array of one
    dimension. points: 1, 2 or 4.

    False where the data are not to the bit as they should be: damaged, cut short, with bytes between the last block
    and the end marker, or coefficients that no picture has. What is in `picture` then is of no use.
    """
    facts = work.facts
    doubled = 1 + facts[SUBSAMPLED]
    lumas = doubled * doubled  # blocks in an MCU
    blocks = lumas + facts[COMPONENTS] - 1
    edge = points * doubled  # of an MCU in the picture
    columns, rows = (facts[WIDTH] - 1) // (8 * doubled) + 1, (facts[HEIGHT] - 1) // (8 * doubled) + 1
    width, height = (facts[WIDTH] * points - 1) // 8 + 1, (facts[HEIGHT] * points - 1) // 8 + 1
    work.reader[:] = 0
    place, bits, count = uint64(facts[SCAN]), uint64(0), uint64(0)
    left, restarts = facts[RESTART], 0
    for row in range(rows):
        for first in range(0, columns, GROUP):
            for i in range(AREAS * AREA):
                work.coefficients[i] = 0
            group = min(GROUP, columns - first)
            for column in range(group):
                if facts[RESTART]:
                    if left == 0:
                        if not _at_marker(data, place, count, work, FIRST_RESTART + restarts % RESTARTS):
                            return False
                        place, bits, count = place + uint64(2), uint64(0), uint64(0)
                        work.reader[:WILD] = 0
                        left, restarts = facts[RESTART], restarts + 1
                    left -= 1
                for number in range(blocks):
                    component = max(0, number - lumas + 1)
                    area = component + 1 if component else number // 2
                    lane = column if component else doubled * column + number % 2
                    start = AREA * area + lane
                    place, bits, count, sound = _read_block(data, place, bits, count, work, component, start)
                    if not sound:
                        return False
            for area in range(doubled):
                _transform(work, area, group * doubled, points, points * area * ROW)
            for component in range(1, facts[COMPONENTS]):
                _transform(work, component + 1, group, edge, component * PLANE)
            _to_colours(work.samples, facts[COMPONENTS], picture, row * edge, first * edge, edge, width, height)
        if int64(count) < 8 * work.reader[FAKED]:
            return False
    return bool(work.reader[WILD] <= LARGEST) and _at_marker(data, place, count, work, END_OF_IMAGE)


@inlined
def _at_marker(data: NDArray[np.uint8], place: Integer, count: Integer, work: Workspace, marker: int) -> bool:
    """Whether all bits have been used, but for what fills the last byte, and `marker` is next."""
    left = int64(count) - 8 * work.reader[FAKED]
    at = int64(place)
    return bool(0 <= left < 8 and at + 1 < data.size and data[at] == 0xFF and data[at + 1] == marker)


@inlined
def _refill(
    data: NDArray[np.uint8], place: Integer, bits: Integer, count: Integer, work: Workspace
) -> tuple[Integer, Integer, Integer]:
    """Add bits to the `count` ones at the upper end of `bits`, so that there are more than 48."""
    if int64(place) + 8 <= data.size:
        at = place
        word = uint64(0)
        for byte in range(8):
            word = word << uint64(8) | uint64(data[at + uint64(byte)])
        ones = uint64(0x0101010101010101)
        # Whether a byte is 0xFF: a zero in what is left of all ones, by the usual trick.
        if (~word - ones) & word & ones << uint64(7) == uint64(0):
            taken = (uint64(63) - count) >> uint64(3)
            return place + taken, bits | word >> count, count + (taken << uint64(3))
    return _refill_slowly(data, place, bits, count, work.reader)


@part
def _refill_slowly(
    data: NDArray[np.uint8], place: Integer, bits: Integer, count: Integer, reader: NDArray[np.int64]
) -> tuple[Integer, Integer, Integer]:
    """As `_refill`, byte by byte, where a byte may be 0xFF or the data end."""
    while count <= uint64(48):
        byte = uint64(0)
        at = int64(place)
        if at < data.size and data[at] != 0xFF:
            byte = uint64(data[at])
            place += uint64(1)
        elif at + 1 < data.size and data[at + 1] == 0:
            byte = uint64(0xFF)
            place += uint64(2)
        else:  # a marker, or the end
            reader[FAKED] += 1
        bits |= byte << (uint64(56) - count)
        count += uint64(8)
    return place, bits, count


@inlined
def _value(bits: Integer, skipped: Integer, size: Integer) -> Integer:
    """The signed value in the `size` bits after the first `skipped`."""
    value = bits << skipped
    positive = int64(value >> uint64(63))
    return int64(value >> uint64(1) >> (uint64(63) - size)) - (1 - positive) * ((int64(1) << int64(size)) - 1)


@part
def _long_entry(
    bits: Integer, limits: NDArray[np.int64], shifts: NDArray[np.int64], entries: NDArray[np.uint32]
) -> Integer:
    """The entry for a code that has more bits than a lookup; 0 where there is none."""
    ahead = int64(bits >> uint64(48))
    for length in range(LOOKUP_BITS + 1, 17):
        if ahead < limits[length]:
            return uint64(entries[(ahead >> (16 - length)) + shifts[length] & 255])
    return uint64(0)


@inlined
def _read_block(
    data: NDArray[np.uint8], place: Integer, bits: Integer, count: Integer, work: Workspace, component: int, start: int
) -> tuple[Integer, Integer, Integer, bool]:
    """Read a block into `work.coefficients`, from `start` on. Returns the reader's state, and whether it is sound."""
    block = work.coefficients[start:]
    quants = work.quants[work.facts[QUANT + component]]
    table = work.facts[AC + component]
    place, bits, count = _refill(data, place, bits, count, work)
    table = work.facts[DC + component]
    entry = uint64(work.lookups[table, bits >> uint64(64 - LOOKUP_BITS)])
    if entry == uint64(0):
        entry = _long_entry(bits, work.limits[table], work.shifts[table], work.entries[table])
        if entry == uint64(0):
            return place, bits, count, False
    size = entry >> uint64(SIZE) & uint64(SIZES)
    work.reader[component] += _value(bits, entry >> uint64(CODE) & uint64(LENGTHS), size)
    bits <<= entry & uint64(LENGTHS)
    count -= entry & uint64(LENGTHS)
    product = work.reader[component] * quants[0]
    block[0] = product
    wild = product ^ product >> 63
    table = work.facts[AC + component]
    lookup = work.lookups[table]
    last = uint64(0)
    while last < uint64(63):
        if count < uint64(AHEAD):
            place, bits, count = _refill(data, place, bits, count, work)
        entry = uint64(lookup[bits >> uint64(64 - LOOKUP_BITS)])
        if entry == uint64(0):
            entry = _long_entry(bits, work.limits[table], work.shifts[table], work.entries[table])
            if entry == uint64(0):
                return place, bits, count, False
        code, size = entry >> uint64(CODE) & uint64(LENGTHS), entry >> uint64(SIZE) & uint64(SIZES)
        first = last + (entry >> uint64(STEP) & uint64(STEPS))
        value = _value(bits, code, size)
        taken = code + size
        if first >= uint64(63):  # a second symbol would be the next block's
            last = first
        else:
            taken = entry & uint64(LENGTHS)
            size = entry >> uint64(SECOND_SIZE) & uint64(SIZES)
            last = first + (entry >> uint64(SECOND_STEP))
            product = _value(bits, taken - size, size) * quants[last]
            block[ZIGZAG[last]] = product
            wild |= product ^ product >> 63
        product = value * quants[first]
        block[ZIGZAG[first]] = product
        wild |= product ^ product >> 63
        bits <<= taken
        count -= taken
    work.reader[WILD] |= wild
    return place, bits, count, last == uint64(63) or size == uint64(0)


@inlined
def _transform(work: Workspace, area: int, lanes: int, size: Integer, start: int) -> None:
    """Put the pixels of the first `lanes` blocks of an area, `size` × `size` each, into `work.samples`."""
    block, passed, samples = work.coefficients[AREA * area : AREA * (area + 1)], work.passed, work.samples[start:]
    if size == 1:
        for lane in range(lanes):
            samples[lane] = _sample(int32(block[lane]), 3)
    elif size == 2:
        _to_two(block, passed, samples, lanes)
    elif size == 4:
        _to_four(block, passed, samples, lanes)
    else:
        _to_eight(block, passed, samples, lanes)


@part
def _to_two(block: NDArray[np.int16], passed: NDArray[np.int16], samples: NDArray[np.uint8], lanes: int) -> None:
    for column in (0, 1, 3, 5, 7):
        given, gone = block[LANES * column :], passed[LANES * column :]
        for i in range(lanes):
            a, b = _two(given[i], given[C1 + i], given[C3 + i], given[C5 + i], given[C7 + i])
            gone[i], gone[C1 + i] = _between(a, 13), _between(b, 13)
    for row in range(2):
        given, pixels = passed[C1 * row :], samples[ROW * row :]
        for i in range(lanes):
            a, b = _two(given[i], given[L1 + i], given[L3 + i], given[L5 + i], given[L7 + i])
            pixels[2 * i], pixels[2 * i + 1] = _sample(a, 20), _sample(b, 20)


@part
def _to_four(block: NDArray[np.int16], passed: NDArray[np.int16], samples: NDArray[np.uint8], lanes: int) -> None:
    for column in (0, 1, 2, 3, 5, 6, 7):
        given, gone = block[LANES * column :], passed[LANES * column :]
        for i in range(lanes):
            a, b, c, d = _four(
                given[i], given[C1 + i], given[C2 + i], given[C3 + i], given[C5 + i], given[C6 + i], given[C7 + i]
            )
            gone[i], gone[C1 + i], gone[C2 + i], gone[C3 + i] = (
                _between(a, 12),
                _between(b, 12),
                _between(c, 12),
                _between(d, 12),
            )
    for row in range(4):
        given, pixels = passed[C1 * row :], samples[ROW * row :]
        for i in range(lanes):
            a, b, c, d = _four(
                given[i], given[L1 + i], given[L2 + i], given[L3 + i], given[L5 + i], given[L6 + i], given[L7 + i]
            )
            pixels[4 * i], pixels[4 * i + 1] = _sample(a, 19), _sample(b, 19)
            pixels[4 * i + 2], pixels[4 * i + 3] = _sample(c, 19), _sample(d, 19)


@part
def _to_eight(block: NDArray[np.int16], passed: NDArray[np.int16], samples: NDArray[np.uint8], lanes: int) -> None:
    for column in range(8):
        given, gone = block[LANES * column :], passed[LANES * column :]
        for i in range(lanes):
            a, b, c, d, e, f, g, h = _eight(
                given[i],
                given[C1 + i],
                given[C2 + i],
                given[C3 + i],
                given[C4 + i],
                given[C5 + i],
                given[C6 + i],
                given[C7 + i],
            )
            gone[i], gone[C1 + i], gone[C2 + i] = _between(a, 11), _between(b, 11), _between(c, 11)
            gone[C3 + i], gone[C4 + i], gone[C5 + i] = _between(d, 11), _between(e, 11), _between(f, 11)
            gone[C6 + i], gone[C7 + i] = _between(g, 11), _between(h, 11)
    for row in range(8):
        given, pixels = passed[C1 * row :], samples[ROW * row :]
        for i in range(lanes):
            a, b, c, d, e, f, g, h = _eight(
                given[i],
                given[L1 + i],
                given[L2 + i],
                given[L3 + i],
                given[L4 + i],
                given[L5 + i],
                given[L6 + i],
                given[L7 + i],
            )
            pixels[8 * i], pixels[8 * i + 1], pixels[8 * i + 2] = _sample(a, 18), _sample(b, 18), _sample(c, 18)
            pixels[8 * i + 3], pixels[8 * i + 4], pixels[8 * i + 5] = _sample(d, 18), _sample(e, 18), _sample(f, 18)
            pixels[8 * i + 6], pixels[8 * i + 7] = _sample(g, 18), _sample(h, 18)


@inlined
def _rounded(value: Integer, shift: Integer) -> Integer:
    return int32(int32(value + (1 << (shift - 1))) >> int32(shift))


@inlined
def _held(value: Integer, least: Integer, most: Integer) -> Integer:
    value = int32(least) if value < int32(least) else value
    return int32(most) if value > int32(most) else value


@inlined
def _between(value: Integer, shift: Integer) -> Integer:
    """A value between the passes: rounded, and held to 16 bits."""
    return _held(_rounded(value, shift), -32768, 32767)


@inlined
def _sample(value: Integer, shift: Integer) -> Integer:
    return uint8(_held(_rounded(value, shift), -128, 127) + 128)


# Results are cast to 32 bits one by one: then the compiler needs no more for what leads to them, and vectors hold more.


@inlined
def _two(x0: Integer, x1: Integer, x3: Integer, x5: Integer, x7: Integer) -> tuple[Integer, Integer]:
    even = int32(x0 << 15)
    odd = int32(29692 * x1 - 10426 * x3 + 6967 * x5 - 5906 * x7)
    return int32(even + odd), int32(even - odd)


@inlined
def _four(
    x0: Integer, x1: Integer, x2: Integer, x3: Integer, x5: Integer, x6: Integer, x7: Integer
) -> tuple[Integer, Integer, Integer, Integer]:
    even, turned = int32(x0 << 14), int32(15137 * x2 - 6270 * x6)
    even0, even1 = int32(even + turned), int32(even - turned)
    odd0 = int32(20995 * x1 + 7373 * x3 - 4926 * x5 - 4176 * x7)
    odd1 = int32(8697 * x1 - 17799 * x3 + 11893 * x5 - 1730 * x7)
    return int32(even0 + odd0), int32(even1 + odd1), int32(even1 - odd1), int32(even0 - odd0)


@inlined
def _eight(
    x0: Integer, x1: Integer, x2: Integer, x3: Integer, x4: Integer, x5: Integer, x6: Integer, x7: Integer
) -> tuple[Integer, Integer, Integer, Integer, Integer, Integer, Integer, Integer]:
    # Sums of two inputs are held in 16 bits by libjpeg's vector instructions.
    sum04, difference04 = int32(int16(x0 + x4) << 13), int32(int16(x0 - x4) << 13)
    turned2, turned6 = int32(10703 * x2 + 4433 * x6), int32(4433 * x2 - 10704 * x6)
    even0, even3 = int32(sum04 + turned2), int32(sum04 - turned2)
    even1, even2 = int32(difference04 + turned6), int32(difference04 - turned6)
    sum37, sum15 = int16(x3 + x7), int16(x1 + x5)
    turned37, turned15 = int32(9633 * sum15 - 6436 * sum37), int32(9633 * sum37 + 6437 * sum15)
    odd0 = int32(4926 * x1 - 7373 * x7 + turned15)
    odd1 = int32(4177 * x3 - 20995 * x5 + turned37)
    odd2 = int32(-20995 * x3 - 4176 * x5 + turned15)
    odd3 = int32(-7373 * x1 - 4927 * x7 + turned37)
    return (
        int32(even0 + odd0),
        int32(even1 + odd1),
        int32(even2 + odd2),
        int32(even3 + odd3),
        int32(even3 - odd3),
        int32(even2 - odd2),
        int32(even1 - odd1),
        int32(even0 - odd0),
    )


@part
def _to_colours(
    samples: NDArray[np.uint8],
    components: int,
    picture: NDArray[np.uint8],
    top: int,
    left: int,
    edge: int,
    width: int,
    height: int,
) -> None:
    """Put a group into the picture: BGR of Y, Cb and Cr as JFIF has them, with 16 bits for constants."""
    for row in range(min(edge, height - top)):
        luma = samples[ROW * row :]
        blueness, redness = samples[PLANE + ROW * row :], samples[2 * PLANE + ROW * row :]
        pixels = picture[3 * (width * (top + row) + left) :]
        if components == 1:
            for i in range(min(GROUP * edge, width - left)):
                pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = luma[i]
        else:
            for i in range(min(GROUP * edge, width - left)):
                y, cb, cr = int32(luma[i]), int32(blueness[i]) - 128, int32(redness[i]) - 128
                blue = int32(y + _rounded(116130 * cb, 16))
                green = int32(y + _rounded(-22554 * cb - 46802 * cr, 16))
                red = int32(y + _rounded(91881 * cr, 16))
                pixels[3 * i] = _held(blue, 0, 255)
                pixels[3 * i + 1] = _held(green, 0, 255)
                pixels[3 * i + 2] = _held(red, 0, 255)
