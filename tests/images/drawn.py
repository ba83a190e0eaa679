"""Drawn pictures to pack, and what lies in a folder of packs."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.store import Pack
from catdog_exp.sources.source import Listing, Picture, Source


@dataclass(frozen=True)
class NoSource(Source):
    """Packing is given the listing itself."""

    def check(self) -> None: ...

    def listing(self, classes: list[str]) -> Listing:
        raise NotImplementedError


DATA = DataConfig(NoSource(), ["cat", "dog"], split_ratio=0.8, resize=16, quality=90, threads=2, seed=0)


def draw_pictures(root: Path, per_class: int = 20, edge: int = 40) -> Listing:
    draw = np.random.default_rng(0)
    pictures = []
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(per_class):
            picture = Picture(f"{name}/{number:03}.jpg", label)
            pixels = cv2.resize(draw.integers(0, 256, (4, 4, 3), np.uint8), (edge + number, edge))
            cv2.imwrite(str(root / picture.path), pixels)
            pictures.append(picture)
    return Listing(root, ["cat", "dog"], pictures, note="drawn for a test")


def visible(folder: Path) -> list[str]:
    """What is there but for locks and the digests of the pictures."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith((".lock", ".digests")))


def bytes_of(pack: Pack) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in pack.folder.iterdir() if path.name != "manifest.json"}
