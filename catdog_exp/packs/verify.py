"""A pack read again to its last record, and what is damaged in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.images.decode import Unreadable, decode_picture
from catdog_exp.packs.lst_files import Entry, read_list
from catdog_exp.packs.manifest import Damaged, Manifest, damaged_files, read_manifest
from catdog_exp.packs.recordio import read_index, read_record, unpack_record
from catdog_exp.parallel import in_order
from catdog_exp.sources.source import Split


@dataclass(frozen=True)
class _Read:
    """A record as it was found. damage: why it could not be read, else empty. start, end: where it is in the file."""

    entry: Entry
    payload: bytes
    damage: str
    start: int
    end: int | None


def damage_in(place: Path, threads: int) -> list[str]:
    """What is wrong in the pack in the folder `place`, a line for each thing; empty where it is as it was made.

    Every file is held against the manifest's digest; every record must stand where its `.idx` says, carry the
    number and the label that its `.lst` says, and hold a picture that decodes to the pack's short edge.

    threads: how many pictures are decoded at once.
    """
    try:
        manifest = read_manifest(place)
    except Damaged as damage:
        return [str(damage)]
    wrong = [] if manifest.fingerprint == place.name else [f"it is the pack {manifest.fingerprint}, renamed"]
    wrong += damaged_files(place, manifest)
    for split in manifest.records:
        wrong += _damage_in_side(place, manifest, split, threads)
    return wrong


def _damage_in_side(place: Path, manifest: Manifest, split: Split, threads: int) -> list[str]:
    wrong = []
    counts: Counter[str] = Counter()
    for name in manifest.records[split]:
        rec = place / name
        try:
            entries, index = read_list(rec.with_suffix(".lst")), read_index(rec.with_suffix(".idx"))
            if [entry.index for entry in entries] != list(index):
                wrong.append(f"{rec.stem}.idx and {rec.stem}.lst do not name the same records")
            counts.update(_class_name(entry, manifest) for entry in entries)
            wrong += _damaged_records(rec, entries, index, manifest, threads)
        except UserError as error:
            wrong.append(str(error).removeprefix(f"{place}/"))
        except OSError as error:
            if not isinstance(error, FileNotFoundError):  # which file is missing is known by now
                wrong.append(f"{name} cannot be read ({error.strerror or error})")
            return wrong
    if not wrong and counts != Counter(manifest.counts[split]):
        wrong.append(f"the lists of the side {split} have {dict(counts)}, the manifest {manifest.counts[split]}")
    return wrong


def _class_name(entry: Entry, manifest: Manifest) -> str:
    return manifest.classes[entry.label] if entry.label < len(manifest.classes) else f"label {entry.label}"


def _damaged_records(
    rec: Path, entries: list[Entry], index: dict[int, int], manifest: Manifest, threads: int
) -> list[str]:
    size = manifest.settings["resize"]
    wrong = []
    end: int | None = 0  # of the record before, None where that is not known
    with closing(
        in_order(lambda read: _damage_of(read, size), _read_by_index(rec, entries, index), threads)
    ) as results:
        for read, damage in results:
            if damage:
                wrong.append(f"{rec.name}: record {read.entry.index} ({escaped(read.entry.path)}) {damage}")
            elif end is not None and read.start != end:
                wrong.append(
                    f"{rec.name}: record {read.entry.index} ({escaped(read.entry.path)}) does not follow the one before"
                )
            end = read.end
    if not wrong and end != rec.stat().st_size:
        wrong.append(f"{rec.name} has more in it than the records of its list")
    return wrong


def _read_by_index(rec: Path, entries: list[Entry], index: dict[int, int]) -> Iterator[_Read]:
    with rec.open("rb") as file:
        for entry in entries:
            start = index.get(entry.index)
            if start is None:
                continue  # told already: the index names other records
            try:
                file.seek(start)
                payload = read_record(file)
            except (UserError, OSError):
                payload = None
            if payload is None:
                yield _Read(entry, b"", "is not where the index has it, or not whole", start, None)
            else:
                yield _Read(entry, payload, "", start, file.tell())


def _damage_of(read: _Read, size: int) -> tuple[_Read, str]:
    if read.damage:
        return read, read.damage
    try:
        record = unpack_record(read.payload)
        if (record.id, record.labels) != (read.entry.index, (read.entry.label,)):
            return read, f"has the number {record.id} and the labels {record.labels}, unlike its list"
        edge = min(decode_picture(record.image).shape[:2])
    except (Unreadable, ValueError) as error:
        return read, f"cannot be used: {error}"
    return read, "" if edge == size else f"has a short edge of {edge} pixels instead of {size}"
