"""What the compiled functions work on, and how they are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

# What `layout.read_layout` finds, by its place in Workspace.facts.
WIDTH, HEIGHT, COMPONENTS, SUBSAMPLED, SCAN, RESTART, EXIF, EXIF_END, IDS, QUANT, DC, AC = (*range(9), 12, 15, 18)
# Blocks of 8 × 8 coefficients are worked on many at once, side by side: of each coefficient, those of all blocks are
# neighbours, so that vector instructions serve. A group is 16 units of the scan (MCUs), with up to 6 blocks each.
GROUP = 16  # MCUs
LANES = 2 * GROUP  # blocks side by side
AREA = (64 + 1) * LANES  # coefficients of LANES blocks, and a bin
AREAS = 4  # two rows of blocks of Y, one of Cb, one of Cr
ROW = 8 * GROUP  # pixels of a row of a group, at the most
PLANE = 8 * ROW  # pixels of a group
TABLES = 4  # of Huffman codes: two for DC, two for AC, as baseline JPEGs have
NONE = 255  # in place of the number of codes of 1 bit: no table
LOOKUP_BITS = 12  # that one look into a table of codes takes in
# Fields of an entry in a lookup table, from the lowest bit: the bits to go on by; of the first symbol in them the
# bits of its code, the bits of its value, the coefficients to go on by; of a second symbol, where it is in them as
# well, the bits of its value and the coefficients. 0: no code of LOOKUP_BITS or fewer begins so.
LENGTHS, CODE, SIZE, STEP, SECOND_SIZE, SECOND_STEP = 31, 5, 10, 14, 20, 24
SIZES, STEPS = 15, 63  # all bits of such a field

_njit: Any = numba.njit  # its types leave options out
_FOR_PARTS = {"nogil": True, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

Function = TypeVar("Function", bound=Callable[..., Any])
Integer: TypeAlias = Any  # of one of these widths, within compiled functions
int16: Any = numba.int16
int32: Any = numba.int32
int64: Any = numba.int64
uint8: Any = numba.uint8
uint64: Any = numba.uint64


def compiled(function: Function) -> Function:
    """The function, compiled at its first call, once for each machine; it lets go of the interpreter.

    Numba looks at a function's own file alone to see whether what it has kept is out of date: compiled functions that
    call one another stand in one file. They allocate nothing, so references need not be counted, which costs a little.
    """
    return cast("Function", _njit(nogil=True, cache=True, _nrt=False)(function))


def part(function: Function) -> Function:
    """A function that `compiled` ones call."""
    return cast("Function", _njit(**_FOR_PARTS)(function))


def inlined(function: Function) -> Function:
    """A `part` that is made one with each function that calls it: for what is done for every block or coefficient."""
    return cast("Function", _njit(forceinline=True, **_FOR_PARTS)(function))


class Workspace(NamedTuple):
    """Memory of one thread, used again for each picture.

    facts: what the header says. quants: the quantization tables, in zigzag order, and zeros. codes: of each Huffman
    table, how many codes there are of 1..16 bits, then their symbols. built: those that lookups, entries, limits and
    shifts were made from. entries: by the place of the symbol; it is found by limits and shifts where the code is too
    long for a lookup. reader: see `scan`. coefficients, passed, samples: of a group, before, between and after
    the two passes of the transform.
    """

    facts: NDArray[np.int64]
    quants: NDArray[np.int64]
    codes: NDArray[np.uint8]
    built: NDArray[np.uint8]
    lookups: NDArray[np.uint32]
    entries: NDArray[np.uint32]
    limits: NDArray[np.int64]
    shifts: NDArray[np.int64]
    reader: NDArray[np.int64]
    coefficients: NDArray[np.int16]
    passed: NDArray[np.int16]
    samples: NDArray[np.uint8]


def new_workspace() -> Workspace:
    return Workspace(
        facts=np.zeros(24, np.int64),
        quants=np.zeros((4, 128), np.int64),
        codes=np.zeros((TABLES, 16 + 256), np.uint8),
        built=np.full((TABLES, 16 + 256), NONE, np.uint8),
        lookups=np.zeros((TABLES, 1 << LOOKUP_BITS), np.uint32),
        entries=np.zeros((TABLES, 256), np.uint32),
        limits=np.zeros((TABLES, 17), np.int64),
        shifts=np.zeros((TABLES, 17), np.int64),
        reader=np.zeros(5, np.int64),
        coefficients=np.zeros(AREAS * AREA, np.int16),
        passed=np.zeros(64 * LANES, np.int16),
        samples=np.zeros(3 * PLANE, np.uint8),
    )
