"""One side of the pictures, shrunk and written to a record file by several threads."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
from tqdm import tqdm

from catdog_exp.pictures.decoding import Unreadable, read_picture, shrink
from catdog_exp.pictures.lists import Entry, write_list
from catdog_exp.pictures.parallel import in_order
from catdog_exp.pictures.records import RecordWriter, pack_record


@dataclass(frozen=True)
class Rejected:
    """A picture that was left out, and why. `path` is relative to the pictures' root."""

    path: str
    label: int
    reason: str


def pack_split(
    entries: Sequence[Entry],
    root: Path,
    prefix: Path,
    *,
    resize: int,
    quality: int,
    threads: int,
) -> tuple[list[Entry], list[Rejected]]:
    """Pack the pictures of `entries` into `<prefix>.rec`, with `<prefix>.idx` and `<prefix>.lst` beside it.

    root: folder that the entries' paths start from.
    resize: short edge of a packed picture, pixels.
    quality: of the packed JPEGs, 1..100.
    threads: how many pictures are worked on at once. The records have the order of `entries` and the
        same bytes for any number of them.

    Returns the entries that were packed, and the pictures left out since they cannot be read. A progress
    bar with pictures/s goes to stderr. Raises OSError where the files cannot be written.
    """

    def work(entry: Entry) -> bytes | Unreadable:
        try:
            return _pack_picture(root, entry.path, resize, quality)
        except Unreadable as error:
            return error

    packed: list[Entry] = []
    rejected: list[Rejected] = []
    with (
        RecordWriter(prefix.with_suffix(".rec")) as writer,
        closing(in_order(work, entries, threads)) as images,
        tqdm(total=len(entries), desc=f"packing {prefix.name}", unit=" pictures") as progress,
    ):
        for entry, image in zip(entries, images, strict=True):
            if isinstance(image, Unreadable):
                rejected.append(Rejected(entry.path, entry.label, str(image)))
            else:
                writer.write(entry.index, pack_record(entry.label, entry.index, image))
                packed.append(entry)
            progress.update()
    write_list(prefix.with_suffix(".lst"), packed)
    return packed, rejected


def _pack_picture(root: Path, path: str, resize: int, quality: int) -> bytes:
    if any(mark in path for mark in "\t\r\n"):
        raise Unreadable("its name holds a tab or a line break, which a list cannot hold")
    picture = shrink(read_picture(root / path, short_edge=resize), resize)
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise Unreadable("cannot be encoded as a JPEG")
    return jpeg.tobytes()
