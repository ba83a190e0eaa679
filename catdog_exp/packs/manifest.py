"""The manifest of a pack: what is in the pack, and the digests that its files must have."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catdog_exp.sources.source import Split

MANIFEST = "manifest.json"
OWN_DIGEST = "sha256"  # the key in the file that holds the digest of all the others
BLOCK = 1 << 20  # bytes read at once
MOST_NAMED = 10  # classes in a line


class Damaged(Exception):
    """A pack, or a part of it, is not as it was made; the message is what is wrong, without the pack's name."""


@dataclass(frozen=True)
class Manifest:
    """What is known of a pack.

    format: of the packs, as `fingerprint.FORMAT`.
    counts: packed pictures by side and class name; a pack without a test side has no "test" here and in `records`.
    rejected: how many pictures were left out.
    same_picture: how many of them since the same picture is on another side ("on_both_sides"), and since it stands
        in another class, too ("in_two_classes").
    settings: those of the config that the bytes follow from.
    source: of all pictures, left out or not: how many ("pictures"), their size ("bytes"), and the digest of
        their paths, sizes and contents ("sha256").
    note: the source's line about its pictures, may be empty.
    made: when, ISO 8601 in UTC.
    records: names of the `.rec` files of each side; `.lst` and `.idx` lie beside each.
    files: of every file but the manifest the size ("bytes") and the digest ("sha256"), by name.
    versions: of the programs that made it.
    """

    fingerprint: str
    format: int
    classes: list[str]
    counts: dict[Split, dict[str, int]]
    rejected: int
    same_picture: dict[str, int]
    settings: dict[str, Any]
    source: dict[str, Any]
    note: str
    made: str
    images_per_second: float
    records: dict[Split, list[str]]
    files: dict[str, dict[str, Any]]
    versions: dict[str, str]

    @property
    def counted(self) -> str:
        """How many pictures there are, for people: `1,900 + 100 pictures (cat 1,000, dog 1,000)`."""
        sides = " + ".join(f"{sum(counts.values()):,}" for counts in self.counts.values())
        counts = {name: sum(side[name] for side in self.counts.values()) for name in self.classes}
        return f"{sides} pictures ({by_class(counts)})"


def by_class(counts: Mapping[str, int]) -> str:
    """How many pictures each class has, for people; of many classes the fewest and the most."""
    if len(counts) <= MOST_NAMED:
        return ", ".join(f"{name} {count:,}" for name, count in counts.items())
    fewest, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    return f"{len(counts)} classes, from {fewest} {counts[fewest]:,} to {most} {counts[most]:,}"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json`, with a digest of itself."""
    values = dataclasses.asdict(manifest)
    text = json.dumps({**values, OWN_DIGEST: _digest(values)}, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8", errors="surrogateescape")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the pack in `folder`. Raises Damaged where there is none, or it is not as it was written."""
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8", errors="surrogateescape"))
        digest = values.pop(OWN_DIGEST)
    except FileNotFoundError:
        raise Damaged(f"{MANIFEST} is missing") from None
    except (ValueError, AttributeError, KeyError, TypeError):
        raise Damaged(f"{MANIFEST} is damaged") from None
    names = {field.name for field in dataclasses.fields(Manifest)}
    if _digest(values) != digest or values.keys() != names:
        raise Damaged(f"{MANIFEST} is damaged")
    return Manifest(**values)


def file_digest(file: Path) -> dict[str, Any]:
    """Size and digest of a file, as the manifest has them."""
    digest = hashlib.sha256()
    size = 0
    with file.open("rb") as content:
        while block := content.read(BLOCK):
            digest.update(block)
            size += len(block)
    return {"bytes": size, "sha256": digest.hexdigest()}


def damaged_files(folder: Path, manifest: Manifest) -> list[str]:
    """What is wrong with each file of a pack that has another size or other bytes than the manifest says.

    All bytes are read: with SHA-256 in hardware that takes a second for more than 1 GB, and the pictures
    cannot be decoded a tenth as fast.
    """
    return [wrong for name, made in manifest.files.items() if (wrong := _wrong_file(folder / name, made))]


def _wrong_file(file: Path, made: Mapping[str, Any]) -> str:
    try:
        size = file.stat().st_size
        if size != made["bytes"]:
            return f"{file.name} has {size:,} bytes instead of {made['bytes']:,}"
        if file_digest(file) != made:
            return f"{file.name} has other bytes than when it was made"
    except FileNotFoundError:
        return f"{file.name} is missing"
    except OSError as error:
        return f"{file.name} cannot be read ({error.strerror or error})"
    return ""


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
