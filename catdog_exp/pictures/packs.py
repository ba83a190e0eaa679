"""Packs: folders of record files, made once for the same pictures and settings and found again after that."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import logging
import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from catdog_exp.errors import UserError
from catdog_exp.pictures.lists import SPLITS, Entry, split_listing
from catdog_exp.pictures.once import one_process_at, whole_folder
from catdog_exp.pictures.packing import Rejected, pack_split
from catdog_exp.pictures.parallel import in_order
from catdog_exp.pictures.source import Listing, Picture, Split
from catdog_exp.schema import DataConfig

FORMAT = 1  # goes up whenever the same pictures and settings would give other bytes
FILES = [f"{split}_file.{kind}" for split in SPLITS for kind in ("lst", "rec", "idx")]
MANIFEST = "manifest.json"
REJECTED = "rejected.csv"
FULL = {errno.ENOSPC, errno.EDQUOT}
NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pack:
    """A pack on disk.

    folder: `<packs>/<fingerprint>`.
    classes: names; a class's place is its label.
    counts: packed pictures by side and class name.
    rejected: how many pictures were left out; `rejected.csv` in the folder has each with the reason.
    reused: it was there already.
    images_per_second: speed of the packing, None where the pack was reused.
    note: the source's line about its pictures, may be empty.
    """

    folder: Path
    fingerprint: str
    classes: list[str]
    counts: dict[Split, dict[str, int]]
    rejected: int
    reused: bool
    images_per_second: float | None
    note: str

    def records(self, split: Split) -> Path:
        """The `.rec` file of one side; its `.lst` and `.idx` lie beside it."""
        return self.folder / f"{split}_file.rec"


def open_pack(listing: Listing, data: DataConfig, folder: Path) -> Pack:
    """The pack of `listing` under the settings of `data` in `folder`: the one that is there, else made now.

    Several processes may ask for the same pack at once: one makes it, the others wait and use it.
    Raises UserError: a class without a readable picture on one side; no space or no permission to write.
    """
    lists = split_listing(listing, data.split_ratio, data.seed)
    _check_classes(listing.classes, lists, [])
    mark = fingerprint(listing, data)
    place = folder / mark
    with _writing_to(folder):
        if (pack := _read_pack(place)) is None:
            folder.mkdir(parents=True, exist_ok=True)
            with one_process_at(place):
                # Another process may have made it while this one waited.
                if (pack := _read_pack(place)) is None:
                    return _make_pack(listing, data, lists, place)
    log.info("pack %s is there already: %s", place, _counted(pack))
    return pack


def fingerprint(listing: Listing, data: DataConfig) -> str:
    """16 hexadecimal digits that differ when the bytes of the pack would.

    They stand for the pictures (relative paths, contents, labels, sides), the classes, the split and the
    size and quality; not for the number of threads, nor for where the pictures lie.
    """

    def content(picture: Picture) -> str:
        try:
            return hashlib.sha256((listing.root / picture.path).read_bytes()).hexdigest()
        except OSError:
            return ""  # it will be left out

    settings = [FORMAT, listing.classes, data.split_ratio, data.seed, data.resize, data.quality]
    digest = hashlib.sha256(json.dumps(settings).encode())
    contents = in_order(content, listing.pictures, data.threads)
    for picture, content_digest in zip(listing.pictures, contents, strict=True):
        line = [picture.path, int(picture.label), picture.split, content_digest]
        digest.update(json.dumps(line).encode())
    return digest.hexdigest()[:16]


def _make_pack(listing: Listing, data: DataConfig, lists: dict[Split, list[Entry]], place: Path) -> Pack:
    with whole_folder(place) as making:
        packed: dict[Split, list[Entry]] = {}
        rejected: list[Rejected] = []
        start = time.perf_counter()
        for split in SPLITS:
            packed[split], left_out = pack_split(
                lists[split],
                listing.root,
                making / f"{split}_file",
                resize=data.resize,
                quality=data.quality,
                threads=data.threads,
            )
            rejected += left_out
        seconds = time.perf_counter() - start
        rejected.sort(key=lambda picture: picture.path)
        _check_classes(listing.classes, packed, rejected)
        _write_rejected(making / REJECTED, listing.classes, rejected)
        manifest = {
            "fingerprint": place.name,
            "format": FORMAT,
            "classes": listing.classes,
            "counts": _counts(listing.classes, packed),
            "rejected": len(rejected),
            "settings": {key: getattr(data, key) for key in ("split_ratio", "seed", "resize", "quality")},
            "note": listing.note,
            "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "images_per_second": round(sum(map(len, packed.values())) / seconds, 1),
            "files": {name: _file_digest(making / name) for name in [*FILES, REJECTED]},
            "versions": {
                "catdog_exp": metadata.version("catdog-exp"),
                "numpy": np.__version__,
                "opencv": cv2.__version__,
                "python": platform.python_version(),
            },
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (making / MANIFEST).write_text(text, encoding="utf-8", errors="surrogateescape")
    pack = _pack(place, manifest, reused=False)
    line = f"packed {_counted(pack)} in {seconds:.1f} s, {pack.images_per_second:,.0f} pictures/s"
    if rejected:
        line += f", {pack.rejected:,} left out (see {place / REJECTED})"
    log.info(line)
    return pack


def _check_classes(classes: list[str], lists: dict[Split, list[Entry]], rejected: Sequence[Rejected]) -> None:
    for label, name in enumerate(classes):
        for split, purpose in zip(SPLITS, ("to train on", "to validate on"), strict=True):
            if any(entry.label == label for entry in lists[split]):
                continue
            reasons = [picture for picture in rejected if picture.label == label]
            if not reasons:
                raise UserError(
                    f"class {name} has no picture {purpose}: it needs two pictures or more, and where the "
                    "source has sides of its own, one on each"
                )
            raise UserError(
                f"class {name} has no picture left {purpose}: {len(reasons)} of its pictures cannot be used, "
                f"the first is {reasons[0].path} ({reasons[0].reason}); replace or remove them"
            )


def _read_pack(place: Path) -> Pack | None:
    """The pack in `place`, or None where there is none or it is not whole."""
    if not place.is_dir():
        return None
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8", errors="surrogateescape"))
        lost = [name for name, file in manifest["files"].items() if not _has_size(place / name, file["bytes"])]
    except (FileNotFoundError, json.JSONDecodeError):
        lost = [MANIFEST]
    if lost:
        log.warning("pack %s is made again: %s is missing or damaged", place, ", ".join(lost))
        return None
    return _pack(place, manifest, reused=True)


def _has_size(file: Path, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size


def _pack(place: Path, manifest: dict[str, Any], *, reused: bool) -> Pack:
    return Pack(
        folder=place,
        fingerprint=manifest["fingerprint"],
        classes=manifest["classes"],
        counts=manifest["counts"],
        rejected=manifest["rejected"],
        reused=reused,
        images_per_second=None if reused else manifest["images_per_second"],
        note=manifest["note"],
    )


def _counts(classes: list[str], lists: dict[Split, list[Entry]]) -> dict[Split, dict[str, int]]:
    labels = {split: Counter(entry.label for entry in entries) for split, entries in lists.items()}
    return {split: {name: labels[split][label] for label, name in enumerate(classes)} for split in SPLITS}


def _counted(pack: Pack) -> str:
    sides = " + ".join(f"{sum(pack.counts[split].values()):,}" for split in SPLITS)
    by_class = ", ".join(f"{name} {sum(pack.counts[split][name] for split in SPLITS):,}" for name in pack.classes)
    return f"{sides} pictures ({by_class})"


def _write_rejected(file: Path, classes: list[str], rejected: Sequence[Rejected]) -> None:
    with file.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["path", "class", "reason"])
        writer.writerows([picture.path, classes[picture.label], picture.reason] for picture in rejected)


def _file_digest(file: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return {"bytes": file.stat().st_size, "sha256": digest.hexdigest()}


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            what_to_do = "make room there"
        elif error.errno in NOT_WRITABLE:
            what_to_do = "let yourself write there"
        else:
            raise
        raise UserError(
            f"packs cannot be written to {folder} ({error.strerror}): {what_to_do}, or set paths.outputs"
        ) from None
