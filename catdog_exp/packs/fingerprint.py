"""What tells one pack from another."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catdog_exp.images.content_hashes import Content
from catdog_exp.images.limits import MAX_PIXELS
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.lst_files import Entry
from catdog_exp.sources.source import SPLITS, Split

FORMAT = 5  # goes up whenever the same pictures and settings would give other bytes
INTERPOLATION = "nearly area, Lanczos to enlarge"  # as `resizing.resize` does


def fingerprint(
    classes: Sequence[str], lists: Mapping[Split, Sequence[Entry]], found: Mapping[str, Content], data: DataConfig
) -> str:
    """16 hexadecimal digits that differ when the bytes of the pack would.

    They stand for the lists (which picture on which side, in which order, its label and path), the pictures'
    sizes and contents, the classes, how pictures are decoded and encoded, and how many shards there are. The split's
    ratios, folds and seed are in by the lists that they lead to; threads, machine and where the pictures lie are not.
    """
    how = how_packed(classes, found, data)
    if data.shards > 1:
        how.append(data.shards)
    lines = {split: [[entry.index, entry.label, entry.path] for entry in lists[split]] for split in SPLITS}
    return hashlib.sha256(json.dumps([how, lines, source_digest(found)]).encode()).hexdigest()[:16]


def how_packed(classes: Sequence[str], paths: Iterable[str], data: DataConfig) -> list[Any]:
    """What a packed picture follows from beside its content: settings and, for iPhones' pictures, an extra."""
    how = [FORMAT, INTERPOLATION, data.resize, data.quality, list(classes)]
    if data.max_pixels != MAX_PIXELS:
        how.append(data.max_pixels)
    if any(path.lower().endswith((".heic", ".heif")) for path in paths):
        how.append(importlib.util.find_spec("pillow_heif") is not None)
    return how


def source_digest(found: Mapping[str, Content]) -> str:
    """The digest of all pictures of a source: their paths, sizes and contents, whatever is made of them."""
    pictures = sorted((path, content.size, content.sha256) for path, content in found.items())
    return hashlib.sha256(json.dumps(pictures).encode()).hexdigest()
