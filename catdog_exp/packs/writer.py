"""One side of the pictures, shrunk and written to a record file by several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catdog_exp.images.content_hashes import Content, unchanged
from catdog_exp.images.decode import Unreadable, read_picture
from catdog_exp.images.limits import MAX_PIXELS, DecodingLimits
from catdog_exp.images.packed import as_packed
from catdog_exp.packs.lst_files import Entry, write_list
from catdog_exp.packs.recordio import RecordWriter, frame, pack_record
from catdog_exp.parallel import chunks_in_order

CHUNK = 16  # pictures that a thread takes at once


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
    max_pixels: int = MAX_PIXELS,
    contents: Mapping[str, Content] | None = None,
    progress: Callable[[int], object] | None = None,
) -> tuple[list[Entry], list[Rejected]]:
    """Pack the pictures of `entries` into `<prefix>.rec`, with `<prefix>.idx` and `<prefix>.lst` beside it.

    root: folder that the entries' paths start from.
    resize: short edge of a packed picture, pixels.
    quality: of the packed JPEGs, 1..100.
    threads: how many pictures are worked on at once. The records have the order of `entries` and the
        same bytes for any number of them.
    max_pixels: of one picture; with it the memory of all threads, as `DecodingLimits` has it.
    contents: what is in the pictures, by path, where they are only to be packed as they were then.
    progress: called with the number of pictures done, each time that there are more.

    Returns the entries that were packed, and the pictures left out since they cannot be read, or have changed. Raises
    OSError where the files cannot be written.
    """

    limits = DecodingLimits(max_pixels)

    def work(entry: Entry) -> bytes | Rejected:
        file = f"{root}/{entry.path}"
        try:
            record = _record(file, entry, resize, quality, limits)
        except Unreadable as error:
            return Rejected(entry.path, entry.label, str(error))
        if contents is not None and not unchanged(file, contents[entry.path]):
            return Rejected(entry.path, entry.label, "changed while the pictures were packed: run again")
        return record

    packed: list[Entry] = []
    rejected: list[Rejected] = []
    remaining = iter(entries)
    # More threads than cores only take turns: 16 on 2 cores pack a quarter fewer pictures a second than 2 do.
    cores = len(os.sched_getaffinity(0))
    with (
        RecordWriter(prefix.with_suffix(".rec")) as writer,
        closing(chunks_in_order(work, entries, min(threads, cores), CHUNK)) as chunks,
    ):
        for chunk in chunks:
            records = []
            for entry, result in zip(islice(remaining, len(chunk)), chunk, strict=True):
                if isinstance(result, Rejected):
                    rejected.append(result)
                else:
                    records.append((entry.index, result))
                    packed.append(entry)
            writer.write(records)
            if progress is not None:
                progress(len(chunk))
    write_list(prefix.with_suffix(".lst"), packed)
    return packed, rejected


def _record(file: str, entry: Entry, resize: int, quality: int, limits: DecodingLimits) -> bytes:
    picture = read_picture(file, resize, limits)
    return frame(pack_record(entry.label, entry.index, as_packed(picture, quality)))
