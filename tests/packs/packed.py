"""Files put in a folder, packed as a run packs them, and looked at again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from catdog_exp.escaping import unescaped
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.lst_files import read_list
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.recordio import read_records, unpack_record
from catdog_exp.packs.store import Pack, open_pack
from catdog_exp.sources.folders import Folder
from catdog_exp.sources.source import Listing

CLASSES = ["cat", "dog"]
SCENE = np.zeros((96, 128, 3), np.uint8)
SCENE[:48, :64] = (200, 30, 30)
SCENE[:48, 64:] = (30, 200, 30)
SCENE[48:, :64] = (30, 30, 200)
SCENE[48:, 64:] = (220, 220, 90)
SCENE = cv2.GaussianBlur(SCENE, (0, 0), 5).astype(np.uint8)
PICTURE = Image.fromarray(SCENE)
WHITE = np.full_like(SCENE, 255)


@dataclass(frozen=True)
class Packed:
    """pictures: those in the pack, RGB, by path. reasons: why others are not, by path."""

    pack: Pack
    pictures: dict[str, np.ndarray]
    reasons: dict[str, str]


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write `files` (by path from `folder`), and in each class and side a picture that can be read."""
    for number, place in enumerate(f"{split}/{name}" for split in ("train", "validation") for name in CLASSES):
        (folder / place).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (90 * (number % 3), 50 * number, 7)).save(folder / place / "whole.png")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def pack_folder(folder: Path, packs: Path, **settings: Any) -> Packed:
    """Pack a folder with train/ and validation/; `settings`: keys of `data` other than these here."""
    return pack_listing(source_of(folder).listing(CLASSES), packs, **settings)


def source_of(folder: Path) -> Folder:
    """The source of the pictures that `put` wrote."""
    return Folder(str(folder))


def pack_listing(listing: Listing, packs: Path, **settings: Any) -> Packed:
    """Pack what a source has listed."""
    source = source_of(listing.root)
    data = DataConfig(source, CLASSES, split_ratio=0.5, resize=32, quality=95, threads=4, seed=0)
    pack = open_pack(plan_pack(listing, replace(data, **settings), packs))
    pictures = {}
    for split in pack.record_files:
        (rec,) = pack.records(split)
        for entry, payload in zip(read_list(rec.with_suffix(".lst")), read_records(rec), strict=True):
            pixels = cv2.imdecode(np.frombuffer(unpack_record(payload).image, np.uint8), cv2.IMREAD_COLOR)
            pictures[entry.path] = pixels[..., ::-1]
    with (pack.folder / "rejected.csv").open(newline="", encoding="utf-8") as rows:
        reasons = {unescaped(row["path"]): row["reason"] for row in csv.DictReader(rows)}
    return Packed(pack, pictures, reasons)


def encoded(picture: Image.Image, kind: str, **settings: Any) -> bytes:
    """The bytes of a file that Pillow writes."""
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


JPEG = encoded(PICTURE, "JPEG", quality=95)


def packed(folder: Path, name: str, content: bytes, **settings: Any) -> np.ndarray:
    """The picture that a file becomes in a pack."""
    result = pack_folder(put(folder, {f"train/cat/{name}": content}), folder.parent / "packs", **settings)
    assert result.reasons == {}
    return result.pictures[f"train/cat/{name}"]


def reason(folder: Path, name: str, content: bytes) -> str:
    """Why a file is left out of a pack."""
    result = pack_folder(put(folder, {f"train/cat/{name}": content}), folder.parent / "packs")
    assert f"train/cat/{name}" not in result.pictures
    assert len(result.pictures) == 4
    return result.reasons[f"train/cat/{name}"]


def looks_like(picture: np.ndarray, wanted: np.ndarray, tolerance: float = 4) -> bool:
    """Whether a packed picture is what `wanted` (RGB) gives when it is made as small."""
    height, width = wanted.shape[:2]
    size = (round(width * 32 / min(width, height)), round(height * 32 / min(width, height)))
    if picture.shape[1::-1] != size:
        return False
    small = cv2.resize(wanted, size, interpolation=cv2.INTER_AREA)
    return bool(np.abs(picture.astype(float) - small).mean() < tolerance)
