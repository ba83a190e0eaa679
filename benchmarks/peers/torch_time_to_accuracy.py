"""The peer of time_to_accuracy.py: the same network and recipe as a plain PyTorch script, channels_last.

Runs in an environment of its own, which has torch, numpy and pillow:

    python torch_time_to_accuracy.py CONFIG THREADS PARAMETERS

CONFIG is the JSON of a composed config of catdog's with model=fastnet, from which it takes every number of the recipe;
PARAMETERS, how many the network must have. It prints a line after each epoch, as catdog does.

All photographs are decoded once, into one tensor, and whole batches are augmented as tensors. As is usual in PyTorch,
a batch is normalized as one.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch_augment import augmented
from torch_photographs import Photographs

MEAN, DEVIATION = 114.5, 57.6
AVERAGED = 8  # steps from one addition to the average to the next
# What goes down after the warm-up, from 1 to 0, by the part of the steps that is done.
FALLING = {
    "Cosine": lambda done, _: (1 + math.cos(math.pi * done)) / 2,
    "Polynomial": lambda done, schedule: (1 - done) ** schedule["power"],
}
LEFT_OUT = {"accumulate": 1, "clip": None, "patience": None, "max_minutes": None, "init_from": None, "freeze": []}


def main(config: dict[str, Any], threads: int, parameters: int) -> None:
    check(config)
    train, augment = config["train"], config["augment"]
    size, batch, classes = config["data"]["resize"], config["hardware"]["batch_size"], len(config["data"]["classes"])
    torch.set_num_threads(threads)
    torch.manual_seed(train["seed"])
    root = Path(config["data"]["root"])
    photographs, validation = (Photographs(root / side, size) for side in ("train", "validation"))
    middles, one_hot = validation.middles(), F.one_hot(photographs.labels, classes).float()
    network = fastnet(config["model"], classes).to(memory_format=torch.channels_last)
    if (own := sum(each.numel() for each in network.parameters())) != parameters:
        sys.exit(f"the two networks are not the same: this one has {own} parameters, not {parameters}")
    steps_each = len(one_hot) // batch
    optimizer = sgd(network, train)
    rates = LambdaLR(optimizer, rate(train, steps_each))
    judged = average(network, train["average"])
    in_even = torch.rand(len(one_hot)) < 0.5
    for epoch in range(1, train["epochs"] + 1):
        started, total = time.perf_counter(), 0.0
        flips = flipped(augment["flip"], in_even, epoch)
        network.train()
        for number, chosen in enumerate(torch.randperm(len(one_hot)).split(batch)[:steps_each], 1):
            pixels, edges = photographs.pixels[chosen], photographs.edges[chosen]
            crops, targets = augmented(pixels, edges, one_hot[chosen], size, flips[chosen], augment)
            loss = F.cross_entropy(network(normalized(crops)), targets, label_smoothing=augment["label_smoothing"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.step()
            total += loss.item()
            if ((epoch - 1) * steps_each + number) % AVERAGED == 0:
                judged.update_parameters(network)
        speed = steps_each * batch / (time.perf_counter() - started)
        lost, right = validate(judged, middles, validation.labels, batch, train["mirrored"])
        print(
            f"epoch {epoch}/{train['epochs']}: loss {total / steps_each:.3f}, "
            f"validation loss {lost:.3f} accuracy {right:.3f}, {speed:.0f} images/s",
            flush=True,
        )


def check(config: dict[str, Any]) -> None:
    """End the program where this script would do something else than the config says."""
    train = config["train"]
    wrong = [f"train.{key}={train[key]}" for key, value in LEFT_OUT.items() if train[key] != value]
    parts = {"model": config["model"], "optimizer": train["optimizer"], "schedule": train["schedule"]}
    kinds = {name: part["_target_"].rpartition(".")[2] for name, part in parts.items()}
    known = {"model": ["FastNet"], "optimizer": ["Sgd"], "schedule": FALLING}
    wrong += [f"{name}={kind}" for name, kind in kinds.items() if kind not in known[name]]
    if train["average"] is None:
        wrong.append("train.average=null")
    if wrong:
        sys.exit(f"the PyTorch script cannot do {', '.join(wrong)}")


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        first, last = convolution(channels, channels), convolution(channels, channels)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(*norm_relu(channels), first, *norm_relu(channels), last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class SpatialMean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def convolution(inputs: int, channels: int) -> nn.Conv2d:
    made = nn.Conv2d(inputs, channels, 3, padding=1, bias=False)
    nn.init.xavier_uniform_(made.weight)
    return made


def norm_relu(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU(inplace=True)


def fastnet(model: dict[str, Any], classes: int) -> nn.Sequential:
    network, inputs, groups = nn.Sequential(), 3, model["groups"]
    for group in range(groups):
        channels = model["width"] * 2**group
        if group:
            network.extend(norm_relu(inputs))
        network.extend([convolution(inputs, channels), nn.MaxPool2d(2)])
        network.extend(Block(channels) for _ in range((model["layers"] + group) // groups))
        inputs = channels
    dense = nn.Linear(inputs, classes)
    nn.init.xavier_uniform_(dense.weight)
    nn.init.zeros_(dense.bias)
    return network.extend([*norm_relu(inputs), SpatialMean(), nn.Dropout(model["dropout"]), dense])


def normalized(crops: Tensor) -> Tensor:
    return ((crops - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)


def sgd(network: nn.Module, train: dict[str, Any]) -> SGD:
    """Weight decay is of kernels and matrices alone."""
    rule, parameters = train["optimizer"], list(network.parameters())
    decayed = {"params": [each for each in parameters if each.ndim > 1], "weight_decay": rule["weight_decay"]}
    others = {"params": [each for each in parameters if each.ndim == 1], "weight_decay": 0.0}
    return SGD([decayed, others], train["lr"], rule["momentum"], nesterov=rule["nesterov"], fused=True)


def rate(train: dict[str, Any], steps_each: int) -> Any:
    """What the rate is multiplied by, as a function of the step, from 0. steps_each: of an epoch."""
    schedule = train["schedule"]
    falling, final = FALLING[schedule["_target_"].rpartition(".")[2]], schedule["final"]
    steps, warm_up = train["epochs"] * steps_each, round(schedule["warmup_epochs"] * steps_each)

    def of_step(step: int) -> float:
        if step < warm_up:
            return (step + 1) / (warm_up + 1)
        return final + (1 - final) * falling((step - warm_up) / max(1, steps - warm_up), schedule)

    return of_step


def average(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential, of weights and running statistics; early on over fewer steps."""

    def add(averaged: Any, current: Any, additions: Tensor) -> None:
        step = AVERAGED * (int(additions) + 1)
        own = min(decay, (1 + step) / (10 + step)) ** AVERAGED
        get_ema_multi_avg_fn(own)(averaged, current, additions)

    return AveragedModel(network, multi_avg_fn=add, use_buffers=True)


def flipped(kind: str, even: Tensor, epoch: int) -> Tensor:
    """1 for each picture that is mirrored in this epoch, else 0. even: true for those whose turn is in even epochs."""
    kinds = {"none": torch.zeros(len(even)), "random": torch.rand(len(even)) < 0.5, "alternating": even ^ epoch % 2}
    return kinds[kind].float()


@torch.inference_mode()
def validate(network: nn.Module, crops: Tensor, labels: Tensor, batch: int, mirrored: bool) -> tuple[float, float]:
    """Mean loss, and share of right answers."""
    network.eval()
    logits = []
    for part in crops.split(batch):
        pixels = normalized(part)
        logits.append((network(pixels) + network(pixels.flip(3))) / 2 if mirrored else network(pixels))
    found = torch.cat(logits)
    return F.cross_entropy(found, labels).item(), (found.argmax(1) == labels).float().mean().item()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), *map(int, sys.argv[2:]))
