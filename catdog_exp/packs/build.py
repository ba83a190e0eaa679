"""The making of a pack, whole or not at all."""

from __future__ import annotations

import logging
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from catdog_exp.files import replacing
from catdog_exp.images.content_hashes import Content
from catdog_exp.locks import whole_folder, write_through
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.duplicates import Separated
from catdog_exp.packs.fingerprint import FORMAT, INTERPOLATION, source_digest
from catdog_exp.packs.lst_files import Entry
from catdog_exp.packs.manifest import Manifest, file_digest, write_manifest
from catdog_exp.packs.plan import PackPlan, check_classes
from catdog_exp.packs.rejects import refuse, too_many, write_rejected
from catdog_exp.packs.shards import Shard, cut_into_shards, pack_shards, without
from catdog_exp.packs.writer import Rejected
from catdog_exp.sources.source import Split

REJECTED = "rejected.csv"

log = logging.getLogger(__name__)


def make_pack(plan: PackPlan) -> Manifest:
    """Make a pack in its folder, which appears whole; to be called while holding its lock.

    A picture that is not what it was when the plan was made is left out.
    Raises UserError as `store.open_pack` does, and OSError where it cannot be written.
    """
    listing, data, found, separated, place = plan.listing, plan.data, plan.contents, plan.separated, plan.place
    with whole_folder(place) as making:
        start = time.perf_counter()
        shards, left_out = _pack(plan.lists, found, data, listing.root, making)
        seconds = time.perf_counter() - start
        packed = {split: without(plan.lists[split], left_out) for split in plan.sides}
        rejected = [*separated.copies, *separated.contradictions, *left_out]
        rejected.sort(key=lambda picture: picture.path)
        if too_many(len(rejected), len(found), data.max_rejects):
            file = place.parent / REJECTED  # the pack's own goes with the pack
            with replacing(file) as aside:
                write_rejected(aside, listing.classes, rejected)
            raise refuse(rejected, len(found), data.max_rejects, file)
        check_classes(listing.classes, packed, rejected)
        write_rejected(making / REJECTED, listing.classes, rejected)
        manifest = Manifest(
            fingerprint=place.name,
            format=FORMAT,
            classes=listing.classes,
            counts=_counts(listing.classes, packed),
            rejected=len(rejected),
            same_picture={"on_both_sides": len(separated.copies), "in_two_classes": len(separated.contradictions)},
            settings=_settings(data),
            source={
                "pictures": len(found),
                "bytes": sum(content.size for content in found.values()),
                "sha256": source_digest(found),
            },
            note=listing.note,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            images_per_second=round(sum(map(len, packed.values())) / seconds, 1),
            records={split: [f"{shard.name}.rec" for shard in shards if shard.split == split] for split in plan.sides},
            files={file.name: file_digest(file) for file in sorted(making.iterdir())},
            versions={
                "catdog_exp": metadata.version("catdog-exp"),
                "numpy": np.__version__,
                "opencv": cv2.__version__,
                "pillow": metadata.version("pillow"),
                "python": platform.python_version(),
                "simplejpeg": metadata.version("simplejpeg"),
            },
        )
        write_manifest(making, manifest)
        write_through(making)
    line = f"packed {manifest.counted} in {seconds:.1f} s, {manifest.images_per_second:,.0f} pictures/s"
    if rejected:
        line += f", {len(rejected):,} left out{_same(separated)} (see {place / REJECTED})"
    log.info(line)
    return manifest


def _pack(
    lists: Mapping[Split, Sequence[Entry]], found: Mapping[str, Content], data: DataConfig, root: Path, making: Path
) -> tuple[list[Shard], list[Rejected]]:
    """Pack `lists` into files in `making`. Returns the shards that hold pictures, and the pictures left out."""
    shards = cut_into_shards(lists, data.shards)
    pack = pack_shards
    if data.pack_on == "ray":
        from catdog_exp.packs.ray import pack_on_ray

        pack = pack_on_ray
    left_out = pack(shards, root, making, found, data)
    filled = []
    for shard, rejected in zip(shards, left_out, strict=True):
        if len(rejected) < len(shard.entries):
            filled.append(shard)
        else:  # MXNet takes no empty file
            for ending in (".lst", ".rec", ".idx"):
                (making / f"{shard.name}{ending}").unlink()
    return filled, [picture for rejected in left_out for picture in rejected]


def _counts(classes: list[str], lists: dict[Split, list[Entry]]) -> dict[Split, dict[str, int]]:
    labels = {split: Counter(entry.label for entry in entries) for split, entries in lists.items()}
    return {split: {name: labels[split][label] for label, name in enumerate(classes)} for split in lists}


def _settings(data: DataConfig) -> dict[str, Any]:
    keys = ("test_ratio", "split_ratio", "folds", "fold", "seed", "resize", "quality", "max_pixels", "shards")
    settings = {key: getattr(data, key) for key in keys}
    return {**settings, "interpolation": INTERPOLATION}


def _same(separated: Separated) -> str:
    """The part of the log line about pictures that are there more than once, empty where there are none."""
    parts = []
    if separated.copies:
        parts.append(f"{len(separated.copies):,} since the same picture is on another side")
    if separated.contradictions:
        parts.append(f"{len(separated.contradictions):,} since the same picture is in another class")
    return f", {' and '.join(parts)}" if parts else ""
