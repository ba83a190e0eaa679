"""How much is in flight while several threads decode."""

import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catdog_exp.images.decode import decode_picture, read_picture
from catdog_exp.images.limits import DecodingLimits
from catdog_exp.images.unreadable import Unreadable


def test_no_more_memory_is_held_at_once_than_the_limits_allow():
    limits = DecodingLimits()
    lock = threading.Lock()
    held: list[int] = []
    most: list[int] = []

    def work(needed: int) -> None:
        with limits.memory_of(needed):
            with lock:
                held.append(needed)
                most.append(sum(held))
            time.sleep(0.01)
            with lock:
                held.remove(needed)

    sizes = [limits.memory // part for part in (3, 3, 2, 1, 5, 3, 2, 4, 1, 3)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, sizes))
    assert len(most) == len(sizes)
    assert limits.memory // 2 < max(most) <= limits.memory


def test_what_would_never_fit_is_left_out_at_once():
    limits = DecodingLimits()
    with (
        pytest.raises(Unreadable, match=r"decoding it takes 900 MB, more than the 716 MB of data\.max_pixels=89478485"),
        limits.memory_of(900_000_000),
    ):
        pytest.fail("given out")
    with pytest.raises(Unreadable, match="too large: it declares 10,000 × 9,000 pixels"):
        limits.check(10_000, 9_000)
    DecodingLimits(90_000_000).check(10_000, 9_000)


@pytest.mark.parametrize("compression", [1, 5, 8])
def test_a_tile_that_is_larger_than_its_picture_is_not_decoded(tmp_path: Path, compression: int):
    strip = zlib.compress(bytes(1000)) + b"\0"
    tags = {256: 8, 257: 8, 258: 8, 259: compression, 262: 1, 277: 1, 322: 30_000, 323: 30_000, 324: 8, 325: len(strip)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    end = struct.pack("<H", len(tags)) + entries + bytes(4)
    file = tmp_path / "1.tif"
    file.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + end)
    with pytest.raises(Unreadable, match="too large: decoding it takes 9,000 MB"):
        read_picture(file)
    with pytest.raises(Unreadable, match="too large: decoding it takes 9,000 MB"):
        decode_picture(file.read_bytes())
