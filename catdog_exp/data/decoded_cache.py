"""The pictures of a pack, decoded once into files beside it that all processes of a machine share.

They lie in the pack's own folder, `decoded/<side>/`, so that they go when the pack goes, and are mapped into
memory: the operating system holds what is in use once for all processes, and may drop and read again the rest.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from catdog_exp.data.decoded import SPARE, DecodedPictures, decode_records, decoded_one_by_one, offsets_of
from catdog_exp.data.kept_folder import kept_folder
from catdog_exp.packs.store import Pack
from catdog_exp.sources.source import Split

FORMAT = 2  # goes up whenever the files would be laid out otherwise, or hold other pixels
FOLDER = "decoded"  # in the pack's
PIXELS, INDEX = "pixels.bin", "index.npy"
HEIGHT, WIDTH, LABEL, ID = range(4)  # the columns of the index, uint64

log = logging.getLogger(__name__)


def decoded_side(pack: Pack, split: Split, size: int, threads: int) -> DecodedPictures:
    """The pictures of one side of a pack, mapped from the files that are there, else decoded into them now.

    size: the pack's short edge, pixels. threads: how many pictures are decoded at once.

    Where they cannot be kept, they are held in this process's memory (`kept_folder`).

    Raises UserError where a record cannot be used.
    """
    records, place = pack.records(split), pack.folder / FOLDER / split

    def decode(making: Path) -> None:
        start = time.perf_counter()
        count = _decode(records, size, threads, making)
        log.info("decoded %s pictures into %s in %.1f s", f"{count:,}", place, time.perf_counter() - start)

    about = {"format": FORMAT, "size": size}
    kept = kept_folder(pack, place, about, (PIXELS, INDEX), "decoded pictures", decode)
    return decode_records(records, size, threads) if kept is None else mapped(kept, size)


def _decode(recs: list[Path], size: int, threads: int, folder: Path) -> int:
    """Decode into files in `folder`; one picture after the other goes through memory. Returns how many."""
    index = []
    with (folder / PIXELS).open("wb") as file, closing(decoded_one_by_one(recs, size, threads)) as decoded:
        for picture, label, key in decoded:
            file.write(np.ascontiguousarray(picture).data)
            index.append((*picture.shape[:2], label, key))
        file.write(bytes(SPARE))
    np.save(folder / INDEX, np.array(index, np.uint64))
    return len(index)


def mapped(place: Path, size: int) -> DecodedPictures:
    """The decoded pictures in the files in `place`."""
    index = np.load(place / INDEX)
    heights, widths = index[:, HEIGHT].astype(np.int64), index[:, WIDTH].astype(np.int64)
    return DecodedPictures(
        size=size,
        pixels=np.memmap(place / PIXELS, np.uint8, mode="r"),
        offsets=offsets_of(heights, widths),
        heights=heights,
        widths=widths,
        labels=index[:, LABEL].astype(np.int64),
        ids=index[:, ID].copy(),
    )
