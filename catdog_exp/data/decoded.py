"""The pictures of record files, decoded."""

from __future__ import annotations

import mmap
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.images.decode import Unreadable, decode_picture
from catdog_exp.images.resize import Pixels, center_crop
from catdog_exp.packs.recordio import Record, read_records, unpack_record
from catdog_exp.parallel import in_order

# Bytes behind the last picture's, of any value: so a pixel can be read with a whole word, whatever lies behind it.
SPARE = 8
RELEASED = 512  # pictures after which the memory of their pixels is given back


@dataclass(frozen=True)
class DecodedPictures:
    """N pictures with a short edge of `size` pixels and any long edge, in the order of their records.

    pixels: all pictures one after the other, flat: RGB, uint8, row by row; in memory, or mapped from a file. Behind
        them are SPARE bytes.
    offsets: where each picture starts in `pixels`, bytes, int64, shape (N + 1,); the last is the end of what is in use.
    heights, widths: pixels, int64, shape (N,).
    labels: classes, int64, shape (N,).
    ids: the records' own numbers, uint64, shape (N,): in a pack, the index in its `.lst` file.
    """

    size: int
    pixels: Pixels
    offsets: NDArray[np.int64]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    labels: NDArray[np.int64]
    ids: NDArray[np.uint64]

    def __post_init__(self) -> None:
        if len(self.pixels) < self.offsets[-1] + SPARE:
            raise ValueError(f"{len(self.pixels)} bytes for pictures that end at {self.offsets[-1]}, {SPARE} to spare")

    def __len__(self) -> int:
        return len(self.labels)

    def picture(self, place: int) -> Pixels:
        """A view of one picture, RGB, shape (height, width, 3)."""
        shape = (self.heights[place], self.widths[place], 3)
        start = self.offsets[place]
        return self.pixels[start : start + shape[0] * shape[1] * 3].reshape(shape)

    def release(self) -> None:
        """Give back the memory of pixels that are mapped from a file; those that are needed again are read again."""
        if isinstance(self.pixels, np.memmap) and isinstance(self.pixels.base, mmap.mmap):
            self.pixels.base.madvise(mmap.MADV_DONTNEED)

    def in_order(self) -> Iterator[Pixels]:
        """Views of all pictures, one after the other; the memory of those before is given back now and then."""
        for place in range(len(self)):
            if place % RELEASED == RELEASED - 1:
                self.release()
            yield self.picture(place)

    def take(self, places: NDArray[np.int64]) -> DecodedPictures:
        """Some of the pictures, by their places, in that order; the pixels are shared."""
        return DecodedPictures(
            self.size,
            self.pixels,
            np.append(self.offsets[places], self.offsets[-1]),
            self.heights[places],
            self.widths[places],
            self.labels[places],
            self.ids[places],
        )

    def crops(self, start: int = 0, stop: int | None = None) -> Pixels:
        """The center crops of the pictures from `start` to before `stop` (to the end), RGB, (N, size, size, 3)."""
        places = range(len(self))[start:stop]
        crops = np.empty((len(places), self.size, self.size, 3), np.uint8)
        for crop, place in zip(crops, places, strict=True):
            crop[:] = center_crop(self.picture(place), self.size)
        return crops


def decode_records(recs: Sequence[Path], size: int, threads: int) -> DecodedPictures:
    """All records of `.rec` files, made by this package or by im2rec.py, in memory; no `.idx` file is needed.

    Arguments and errors are those of `decoded_one_by_one`.
    """
    pictures: list[Pixels] = []
    shapes, labels, ids = [], [], []
    with closing(decoded_one_by_one(recs, size, threads)) as decoded:
        for picture, label, key in decoded:
            pictures.append(picture)
            shapes.append(picture.shape[:2])
            labels.append(label)
            ids.append(key)
    heights, widths = np.array(shapes, np.int64).T.copy()
    offsets = offsets_of(heights, widths)
    return DecodedPictures(
        size=size,
        pixels=_flat(pictures, int(offsets[-1])),
        offsets=offsets,
        heights=heights,
        widths=widths,
        labels=np.array(labels, np.int64),
        ids=np.array(ids, np.uint64),
    )


def decoded_one_by_one(recs: Sequence[Path], size: int, threads: int) -> Generator[tuple[Pixels, int, int], None, None]:
    """Each record's picture, RGB of shape (height, width, 3), with its label and its id. To be closed if left early.

    recs: the files of a pack's side, or others; the pictures come in the order of the files.
    size: short edge in pixels; a picture with another one is resized to it.
    threads: how many pictures are decoded at once; the result is the same for any number.

    Raises UserError, naming the file and the record: no such file, damage, no pictures, a picture that
    cannot be decoded, a label that is not one class number.
    """

    def work(numbered: tuple[Path, int, bytes]) -> tuple[Pixels, int, int]:
        rec, number, payload = numbered
        try:
            record = unpack_record(payload)
            picture = decode_picture(record.image, short_edge=size)
            return (
                cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False),
                _label(record),
                record.id,
            )
        except (Unreadable, ValueError) as error:
            raise UserError(f"{rec}, record {number} (counted from 0) cannot be used: {error}") from None

    return in_order(work, _numbered(recs), threads)


def offsets_of(heights: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where pictures of these shapes start when they lie one behind the other; the last is the end."""
    offsets = np.zeros(len(heights) + 1, np.int64)
    np.cumsum(heights * widths * 3, out=offsets[1:])
    return offsets


def _numbered(recs: Sequence[Path]) -> Iterator[tuple[Path, int, bytes]]:
    """The records' payloads, each with its file and its number in it."""
    for rec in recs:
        if not rec.is_file():
            raise UserError(f"{rec}: there is no such record file")
        if not rec.stat().st_size:
            raise UserError(f"{rec}: there are no pictures in it")
        for number, payload in enumerate(read_records(rec)):
            yield rec, number, payload


def _label(record: Record) -> int:
    if len(record.labels) != 1:
        raise ValueError(f"it has {len(record.labels)} labels, one is needed")
    label = record.labels[0]
    if not label.is_integer() or label < 0:
        raise ValueError(f"its label {label:g} is not the number of a class")
    return int(label)


def _flat(pictures: list[Pixels], total: int) -> Pixels:
    """All pictures in one flat array, SPARE bytes behind them.

    The list is emptied on the way, and memory holds the pictures about once.
    """
    pixels = np.empty(total + SPARE, np.uint8)
    pixels[total:] = 0
    end = total
    while pictures:
        picture = pictures.pop()
        pixels[end - picture.size : end] = picture.reshape(-1)
        end -= picture.size
    return pixels
