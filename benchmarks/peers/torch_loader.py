"""The peer of loader.py: the same augmentations in a PyTorch DataLoader, with torchvision.

Runs in an environment of its own: python torch_loader.py WORDS, the JSON of `measure`'s arguments. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from loading import AREA, ASPECT, DEGREES, JITTER, KINDS, PAD, measured
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import v2


class Pictures(Dataset):
    """Those in a folder, each augmented when it is asked for. memory: all of them are decoded before."""

    def __init__(self, folder: Path, augment: v2.Transform, memory: bool) -> None:
        self.files = sorted(folder.iterdir())
        self.augment = augment
        self.kept = [decoded(file) for file in self.files] if memory else None

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        picture = self.kept[index] if self.kept is not None else decoded(self.files[index])
        return self.augment(picture), int(self.files[index].name[0])


def decoded(file: Path) -> torch.Tensor:
    return decode_jpeg(read_file(str(file)), ImageReadMode.RGB)


def measure(place: str, size: int, batch: int, kind: str, workers: int, memory: bool) -> dict[str, float]:
    cut = [v2.RandomCrop(size, padding=PAD, padding_mode="reflect")]
    if kind == KINDS[1]:
        cut = [v2.RandomRotation(DEGREES), v2.RandomResizedCrop(size, AREA, ASPECT, antialias=False)]
    augment = v2.Compose([*cut, v2.RandomHorizontalFlip(), v2.ColorJitter(JITTER, JITTER, JITTER)])
    torch.set_num_threads(1)  # pictures of this size are worked on one by one: more threads only get in the way
    lasting = {"persistent_workers": True} if workers else {}
    pictures = Pictures(Path(place) / "files", augment, memory)
    loader = DataLoader(pictures, batch, shuffle=True, num_workers=workers, drop_last=True, **lasting)

    def epochs() -> Iterator[Iterator[Any]]:
        while True:
            yield (crops for crops, _ in loader)

    return measured(epochs(), batch)


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
