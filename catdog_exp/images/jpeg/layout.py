"""The segments of a JPEG before its scan (ITU-T T.81, annex B), and its Huffman tables made ready for decoding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catdog_exp.images.jpeg.workspace import (
    AC,
    CODE,
    COMPONENTS,
    DC,
    EXIF,
    EXIF_END,
    HEIGHT,
    IDS,
    LENGTHS,
    LOOKUP_BITS,
    NONE,
    QUANT,
    RESTART,
    SCAN,
    SECOND_SIZE,
    SECOND_STEP,
    SIZE,
    SIZES,
    STEP,
    STEPS,
    SUBSAMPLED,
    TABLES,
    WIDTH,
    Workspace,
    compiled,
    part,
)

END_OF_BLOCK = 63  # coefficients to go on by: beyond all of a block
LARGEST_DC, LARGEST_AC = 11, 10  # bits of a value, with 8 bits a sample
JFIF, ADOBE, EXIF_NAME = tuple(b"JFIF\0"), tuple(b"Adobe"), tuple(b"Exif\0\0")
YCBCR = 1  # Adobe's number for what the components are


@compiled
def read_layout(data: NDArray[np.uint8], work: Workspace) -> bool:
    """Read the header of the JPEG in `data` into `work`. False where `scan.decode_scan` does not serve it.

    It serves baseline and extended sequential Huffman coding with 8 bits a sample, in one scan: one component, or
    Y, Cb and Cr, the latter at full size or at half of it both ways. Anything odd is not served.
    """
    facts = work.facts
    facts[:] = 0
    work.codes[:, :16] = 0
    work.quants[:, 0] = 0
    jfif, adobe = False, -1
    place = 2
    while True:
        if place + 4 > data.size or data[place] != 0xFF:
            return False
        marker = data[place + 1]
        start, end = place + 4, place + 2 + (data[place + 2] << 8 | data[place + 3])
        if end < start or end > data.size:
            return False
        if marker == 0xDA:  # start of scan
            facts[SCAN] = end
            break
        if marker == 0xC0 or marker == 0xC1:
            if facts[COMPONENTS] or not _read_frame(data, start, end, facts):
                return False
        elif marker == 0xC4:
            if not _read_codes(data, start, end, work.codes):
                return False
        elif marker == 0xDB:
            if not _read_quants(data, start, end, work.quants):
                return False
        elif marker == 0xDD:
            if end - start != 2:
                return False
            facts[RESTART] = data[start] << 8 | data[start + 1]
        elif marker == 0xE0:
            jfif = jfif or (end - start >= 14 and _named(data, start, JFIF))
        elif marker == 0xE1:
            if end - start >= 6 and _named(data, start, EXIF_NAME):
                facts[EXIF], facts[EXIF_END] = start, end
        elif marker == 0xEE:
            if end - start >= 12 and _named(data, start, ADOBE):
                adobe = data[start + 11]
        elif marker < 0xE0 or (marker > 0xEF and marker != 0xFE):
            return False  # other kinds of frames, and markers that have no length
        place = end
    if facts[COMPONENTS] == 3 and not jfif:  # what libjpeg goes by
        if adobe >= 0 and adobe != YCBCR:
            return False
        if adobe < 0 and not (facts[IDS] == 1 and facts[IDS + 1] == 2 and facts[IDS + 2] == 3):
            return False
    return _read_scan(data, start, end, work) and _make_lookups(work)


@part
def _named(data: NDArray[np.uint8], start: int, name: tuple[int, ...]) -> bool:
    same = True
    for place in range(len(name)):
        same = same and data[start + place] == name[place]
    return same


@part
def _read_frame(data: NDArray[np.uint8], start: int, end: int, facts: NDArray[np.int64]) -> bool:
    if end - start < 6 or data[start] != 8:
        return False
    count = data[start + 5]
    if (count != 1 and count != 3) or end - start != 6 + 3 * count:
        return False
    facts[HEIGHT] = data[start + 1] << 8 | data[start + 2]
    facts[WIDTH] = data[start + 3] << 8 | data[start + 4]
    facts[COMPONENTS] = count
    for number in range(count):
        place = start + 6 + 3 * number
        facts[IDS + number] = data[place]
        sampling = data[place + 1]
        if sampling == 0x22 and number == 0:
            facts[SUBSAMPLED] = count == 3  # of one component it makes no difference
        elif sampling != 0x11:
            return False
        if data[place + 2] > 3:
            return False
        facts[QUANT + number] = data[place + 2]
    return bool(facts[HEIGHT] > 0 and facts[WIDTH] > 0)


@part
def _read_quants(data: NDArray[np.uint8], start: int, end: int, quants: NDArray[np.int64]) -> bool:
    while start < end:
        table = data[start]  # the upper half is not 0 for tables of 16 bits
        if table > 3 or end - start < 65:
            return False
        for place in range(64):
            quants[table, place] = data[start + 1 + place]
        start += 65
    return True


@part
def _read_codes(data: NDArray[np.uint8], start: int, end: int, codes: NDArray[np.uint8]) -> bool:
    while start < end:
        number, kind = data[start] & 15, data[start] >> 4  # of the table; 0 for DC, 1 for AC
        if number > 1 or kind > 1 or end - start < 17:
            return False
        count = 0
        for bits in range(16):
            count += data[start + 1 + bits]
        if count > 256 or end - start < 17 + count or data[start + 1] > 1:
            return False
        table = 2 * kind + number
        codes[table] = 0
        for place in range(16 + count):
            codes[table, place] = data[start + 1 + place]
        start += 17 + count
    return True


@part
def _read_scan(data: NDArray[np.uint8], start: int, end: int, work: Workspace) -> bool:
    facts = work.facts
    count = facts[COMPONENTS]
    if count == 0 or end - start != 4 + 2 * count or data[start] != count:
        return False
    for number in range(count):
        place = start + 1 + 2 * number
        dc, ac = data[place + 1] >> 4, data[place + 1] & 15
        if data[place] != facts[IDS + number] or dc > 1 or ac > 1:
            return False
        if work.quants[facts[QUANT + number], 0] == 0:  # no such table
            return False
        facts[DC + number], facts[AC + number] = dc, 2 + ac
    place = start + 1 + 2 * count
    return bool(data[place] == 0 and data[place + 1] == 63 and data[place + 2] == 0)


@part
def _make_lookups(work: Workspace) -> bool:
    """Make the lookups of the tables that the scan uses, where they are not the last picture's."""
    for number in range(work.facts[COMPONENTS]):
        for kind in (DC, AC):
            table = work.facts[kind + number]
            same = True
            for place in range(16 + 256):
                same = same and work.codes[table, place] == work.built[table, place]
            if same:
                continue
            work.built[table, 0] = NONE  # should this fail
            if not _make_lookup(work, table):
                return False
            for place in range(16 + 256):
                work.built[table, place] = work.codes[table, place]
    return True


@part
def _make_lookup(work: Workspace, table: int) -> bool:
    codes, limits, shifts, lookup = work.codes[table], work.limits[table], work.shifts[table], work.lookups[table]
    largest = LARGEST_DC if table < TABLES // 2 else LARGEST_AC
    lookup[:] = 0
    code, symbol = 0, 0
    for bits in range(1, 17):
        shifts[bits] = symbol - code
        for _ in range(codes[bits - 1]):
            value = codes[16 + symbol]
            if value & 15 > largest or (table < TABLES // 2 and value > largest):
                return False
            entry = _entry(bits, value, table)
            work.entries[table, symbol] = entry
            if bits <= LOOKUP_BITS:
                first = code << (LOOKUP_BITS - bits)
                for place in range(first, (code + 1) << (LOOKUP_BITS - bits)):
                    lookup[place] = entry
            code, symbol = code + 1, symbol + 1
            if code >> bits:  # not even the last may be ones alone
                return False
        limits[bits] = code << (16 - bits)  # of 16 bits, all below this begin with a code of so many bits or fewer
        code <<= 1
    if table >= TABLES // 2:
        _join_pairs(lookup)
    return symbol > 0


@part
def _entry(bits: int, symbol: int, table: int) -> int:
    size, step = symbol & 15, (symbol >> 4) + 1
    if table < TABLES // 2:
        step = 0
    elif symbol == 0:
        step = END_OF_BLOCK
    elif size == 0 and step < 16:
        step = END_OF_BLOCK  # what libjpeg takes it for
    return (bits + size) | bits << CODE | size << SIZE | step << STEP


@part
def _join_pairs(lookup: NDArray[np.uint32]) -> None:
    """Let entries stand for the symbol after theirs, too, where the lookup's bits hold both with their values."""
    for place in range(len(lookup)):
        entry = lookup[place]
        length, step = entry & LENGTHS, entry >> STEP
        if entry == 0 or step == END_OF_BLOCK or length >= LOOKUP_BITS:
            continue
        second = lookup[(place << length) & (len(lookup) - 1)]
        size, step = second >> SIZE & SIZES, second >> STEP & STEPS
        length += (second >> CODE & LENGTHS) + size
        if second != 0 and length <= LOOKUP_BITS:
            lookup[place] = entry & ~LENGTHS | length | size << SECOND_SIZE | step << SECOND_STEP
