"""Photographs decoded into one PyTorch tensor, with Pillow."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


class Photographs:
    """All in a folder with a folder for each class, with a short edge of `size`.

    What is more elongated than 2 : 1 loses its ends: 25 of the 3,000 photographs of cats_and_dogs_filtered.

    pixels: uint8 (N, 3, 2 size, 2 size), each in the upper left corner. edges: its height and width, (N, 2).
    labels: classes in the order of their folders' names, (N,).
    """

    def __init__(self, folder: Path, size: int) -> None:
        classes = enumerate(sorted(folder.iterdir()))
        files = [(label, file) for label, of_class in classes for file in sorted(of_class.iterdir())]
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            pictures = list(pool.map(lambda labelled: decoded(labelled[1], size), files))
        self.size = size
        self.labels = torch.tensor([label for label, _ in files])
        self.edges = torch.tensor([picture.shape[1:] for picture in pictures])
        self.pixels = torch.zeros(len(pictures), 3, 2 * size, 2 * size, dtype=torch.uint8)
        for place, picture in zip(self.pixels, pictures, strict=True):
            place[:, : picture.shape[1], : picture.shape[2]] = picture

    def middles(self) -> Tensor:
        """The center crop of each picture, uint8 (N, 3, size, size)."""
        size, corners = self.size, ((self.edges - self.size) // 2).tolist()
        both = zip(self.pixels, corners, strict=True)
        return torch.stack([pixels[:, top : top + size, left : left + size] for pixels, (top, left) in both])


def decoded(file: Path, size: int) -> Tensor:
    """uint8 (3, height, width)."""
    with Image.open(file) as image:
        width, height = (round(edge * size / min(image.size)) for edge in image.size)
        image.draft("RGB", (2 * width, 2 * height))  # a JPEG may be decoded at a half, a quarter or an eighth
        small = image.convert("RGB").resize((width, height), Image.Resampling.BOX)
    left, top = max(0, width - 2 * size) // 2, max(0, height - 2 * size) // 2
    return torch.from_numpy(np.array(small)).permute(2, 0, 1)[:, top : top + 2 * size, left : left + 2 * size]
