"""The pictures of a pack, decoded once into files beside it that all processes of a machine share.

They lie in the pack's own folder, `decoded/<side>/`, so that they go when the pack goes, and are mapped into
memory: the operating system holds what is in use once for all processes, and may drop and read again the rest.
"""

from __future__ import annotations

import errno
import json
import logging
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from catdog_exp.data.decoded import SPARE, DecodedPictures, decode_records, decoded_one_by_one, offsets_of
from catdog_exp.locks import one_process_at, whole_folder, write_through
from catdog_exp.packs.manifest import Damaged, file_digest
from catdog_exp.packs.store import FULL, NOT_WRITABLE, Pack
from catdog_exp.sources.source import Split

FORMAT = 2  # goes up whenever the files would be laid out otherwise, or hold other pixels
FOLDER = "decoded"  # in the pack's
PIXELS, INDEX, DIGESTS = "pixels.bin", "index.npy", "digests.json"
HEIGHT, WIDTH, LABEL, ID = range(4)  # the columns of the index, uint64

log = logging.getLogger(__name__)


def decoded_side(pack: Pack, split: Split, size: int, threads: int) -> DecodedPictures:
    """The pictures of one side of a pack, mapped from the files that are there, else decoded into them now.

    size: the pack's short edge, pixels. threads: how many pictures are decoded at once.

    Several processes may ask for the same side at once: one decodes, the others wait. Files that are damaged
    are made again, which is logged. Where the pack's folder cannot be written to, or its disk is full, the
    pictures are held in this process's memory.

    Raises UserError where a record cannot be used.
    """
    place = pack.folder / FOLDER / split
    with suppress(Damaged):
        return read_decoded(place, size)
    try:
        # The pack's own lock: nobody removes the pack meanwhile.
        with one_process_at(pack.folder):
            try:
                return read_decoded(place, size)  # another process has made it while this one waited
            except Damaged as damage:
                if place.exists():
                    log.warning("the decoded pictures in %s cannot be used and are made again: %s", place, damage)
            place.parent.mkdir(exist_ok=True)
            _decode(pack.records(split), size, threads, place)
            return _mapped(place, size)
    except OSError as error:
        if error.errno not in FULL | NOT_WRITABLE | {errno.ENOENT}:  # the last: somebody has removed the pack
            raise
        log.warning(
            "decoded pictures cannot be kept in %s (%s): each run decodes them anew, into its own memory",
            place,
            error.strerror,
        )
        return decode_records(pack.records(split), size, threads)


def read_decoded(place: Path, size: int) -> DecodedPictures:
    """The decoded pictures in `place`, all their bytes read. Raises Damaged where there are none, or other ones.

    The reading brings them into the operating system's memory in order, which the first epoch would otherwise
    do in no order at all.
    """
    try:
        told = json.loads((place / DIGESTS).read_text(encoding="utf-8"))
        found = {name: file_digest(place / name) for name in (PIXELS, INDEX)}
    except OSError as error:
        raise Damaged(f"{error.filename} cannot be read ({error.strerror})") from None
    except ValueError:
        raise Damaged(f"{DIGESTS} is damaged") from None
    if told != _description(size, found):
        another = isinstance(told, dict) and told.get("format") != FORMAT
        raise Damaged("of another version of this program" if another else f"damaged, not what {DIGESTS} says")
    return _mapped(place, size)


def _decode(recs: list[Path], size: int, threads: int, place: Path) -> None:
    """Decode into the folder `place`, which appears whole; one picture after the other goes through memory."""
    start = time.perf_counter()
    index = []
    with whole_folder(place) as making:
        with (making / PIXELS).open("wb") as file, closing(decoded_one_by_one(recs, size, threads)) as decoded:
            for picture, label, key in decoded:
                file.write(np.ascontiguousarray(picture).data)
                index.append((*picture.shape[:2], label, key))
            file.write(bytes(SPARE))
        np.save(making / INDEX, np.array(index, np.uint64))
        found = {name: file_digest(making / name) for name in (PIXELS, INDEX)}
        (making / DIGESTS).write_text(json.dumps(_description(size, found)), encoding="utf-8")
        write_through(making)
    seconds = time.perf_counter() - start
    log.info("decoded %s pictures into %s in %.1f s", f"{len(index):,}", place, seconds)


def _mapped(place: Path, size: int) -> DecodedPictures:
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


def _description(size: int, files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"format": FORMAT, "size": size, "files": files}
