"""MXNet's record files, written and read without MXNet.

A `.rec` file is a row of records (dmlc-core, `include/dmlc/recordio.h`): the magic word, a word with the
length in its lower 29 bits and a flag in its upper 3, the payload, zeros up to a multiple of 4 bytes. All
words are little-endian. A payload in which the magic word stands at a multiple of 4 is cut there into parts
without it: flag 1 is the first part, 2 one between, 3 the last, and 0 a payload in one piece.

The payload of a picture is a header (`struct IRHeader` in MXNet's `image_recordio.h`) and the encoded
picture. The `.idx` file beside a `.rec` file has a line `key<tab>position` for each record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from catdog_exp.errors import UserError

MAGIC = struct.pack("<I", 0xCED7230A)
HEAD = struct.Struct("<4sI")
LENGTH_BITS = 29
WHOLE, FIRST, BETWEEN, LAST = range(4)
# Number of labels that follow the header (0: the label is in it), label, id, upper part of the id.
HEADER = struct.Struct("<IfQQ")


@dataclass(frozen=True)
class Record:
    """A picture's record. `image` is the encoded picture; records that this package writes have one label."""

    labels: tuple[float, ...]
    id: int
    image: bytes


def pack_record(label: float, key: int, image: bytes) -> bytes:
    """The payload for a picture with one label, as `mxnet.recordio.pack` makes it."""
    return HEADER.pack(0, label, key, 0) + image


def unpack_record(payload: bytes) -> Record:
    """The picture in a payload. Raises ValueError where it is too short to hold its header."""
    if len(payload) < HEADER.size:
        raise ValueError(f"{len(payload)} bytes are too few for the header of a picture")
    count, label, key, _ = HEADER.unpack_from(payload)
    if count == 0:
        return Record((label,), key, payload[HEADER.size :])
    end = HEADER.size + 4 * count
    if len(payload) < end:
        raise ValueError(f"{len(payload)} bytes are too few for {count} labels")
    return Record(struct.unpack_from(f"<{count}f", payload, HEADER.size), key, payload[end:])


def frame(payload: bytes) -> bytes:
    """The whole record that holds a payload, ready to be written. ValueError for 2**29 bytes or more."""
    if len(payload) >> LENGTH_BITS:
        raise ValueError(f"{len(payload)} bytes are too many for a record")
    if MAGIC not in payload:
        return b"".join((HEAD.pack(MAGIC, len(payload)), payload, bytes(-len(payload) % 4)))
    parts = _cut_at_magic(payload)
    record = b""
    for number, part in enumerate(parts):
        record += HEAD.pack(MAGIC, _flag(number, len(parts)) << LENGTH_BITS | len(part)) + part
    return record + bytes(-len(payload) % 4)


def _flag(number: int, parts: int) -> int:
    if parts == 1:
        return WHOLE
    if number == 0:
        return FIRST
    return LAST if number == parts - 1 else BETWEEN


class RecordWriter:
    """Writes a `.rec` file and the `.idx` file beside it, to the byte what `MXIndexedRecordIO` writes."""

    def __init__(self, rec: Path) -> None:
        self._rec = rec.open("wb")
        self._idx = rec.with_suffix(".idx").open("w", encoding="ascii", newline="\n")
        self._end = 0  # of what is written so far, bytes

    def write(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Append records, each a key to index it by and the bytes that `frame` gives for its payload."""
        lines = []
        for key, record in records:
            lines.append(f"{key}\t{self._end}\n")
            self._end += len(record)
        self._rec.write(b"".join(record for _, record in records))
        self._idx.write("".join(lines))

    def close(self) -> None:
        try:
            self._rec.close()
        finally:
            self._idx.close()

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _cut_at_magic(payload: bytes) -> list[bytes]:
    parts = []
    start = 0
    found = payload.find(MAGIC)
    while found >= 0:
        if found % 4 == 0:
            parts.append(payload[start:found])
            start = found + 4
        # The magic word cannot overlap itself, and one that is not at a multiple of 4 does not count.
        found = payload.find(MAGIC, found + 4)
    return [*parts, payload[start:]]


def read_record(file: BinaryIO) -> bytes | None:
    """The payload of the record at the file's position, which moves behind it; None at the end of the file.

    Raises UserError, with the byte in the file, where there is no whole record.
    """
    parts: list[bytes] = []
    while True:
        position = file.tell()
        head = file.read(8)
        if not head and not parts:
            return None
        if len(head) < 8:
            raise _damage(file, position, "ends in the middle of a record")
        word = struct.unpack_from("<I", head, 4)[0]
        flag, length = word >> LENGTH_BITS, word & ((1 << LENGTH_BITS) - 1)
        if head[:4] != MAGIC or flag not in ((BETWEEN, LAST) if parts else (WHOLE, FIRST)):
            raise _damage(file, position, "has no record where one should start")
        part = file.read(length)
        if len(part) < length or len(file.read(-length % 4)) < -length % 4:
            raise _damage(file, position, "ends in the middle of a record")
        parts.append(part)
        if flag in (WHOLE, LAST):
            return MAGIC.join(parts)


def read_records(rec: Path) -> Iterator[bytes]:
    """All payloads of a `.rec` file, in order. Raises UserError as `read_record` does."""
    with rec.open("rb") as file:
        while (payload := read_record(file)) is not None:
            yield payload


def read_index(idx: Path) -> dict[int, int]:
    """Where each record starts in the `.rec` file, in bytes, by its key, in the order of the `.idx` file."""
    index = {}
    for number, line in enumerate(idx.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        try:
            key, position = line.split("\t")
            index[int(key)] = int(position)
        except ValueError:
            raise UserError(f"{idx}, line {number}: {line[:80]!r} is not a key and a position") from None
    return index


def _damage(file: BinaryIO, position: int, what: str) -> UserError:
    return UserError(f"{file.name} {what} (byte {position:,}): it is damaged or not a record file")
