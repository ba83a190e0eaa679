"""The peer of train_throughput.py: the same networks and training step in PyTorch, channels_last.

Runs in an environment of its own: python torch_step.py NETWORK SIZE BATCH THREADS SECONDS. Prints JSON.
"""

from __future__ import annotations

import json
import sys

import torch
from step import DEVIATION, MEAN, MOMENTUM, RATE, batch, first_weights, measure
from torch import Tensor, nn


class Normalize(nn.Module):
    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels - MEAN) / DEVIATION


class Residual(nn.Module):
    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        stride = 1 if inputs == channels else 2
        self.body = nn.Sequential(
            *convolution(inputs, channels, stride),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = nn.Sequential()
        if stride == 2:
            self.shortcut.append(nn.Conv2d(inputs, channels, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(self.body(x) + self.shortcut(x))


def convolution(inputs: int, channels: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
    return [conv, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def cnn(size: int) -> nn.Sequential:
    network, inputs = nn.Sequential(Normalize()), 3
    for channels in (32, 64, 128, 256):
        network.extend([*convolution(inputs, channels), nn.MaxPool2d(2)])
        inputs = channels
    return network.extend([nn.Flatten(), nn.Linear(256 * (size // 16) ** 2, 128), nn.ReLU(), nn.Linear(128, 2)])


def resnet(size: int) -> nn.Sequential:  # noqa: ARG001 - as cnn
    network, inputs = nn.Sequential(Normalize(), *convolution(3, 16)), 16
    for channels in (16, 32, 64):
        for _ in range(3):
            network.append(Residual(inputs, channels))
            inputs = channels
    return network.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 2)])


def main(name: str, size: int, count: int, threads: int, seconds: float) -> None:
    torch.set_num_threads(threads)
    network = {"cnn": cnn, "resnet": resnet}[name](size).to(memory_format=torch.channels_last)
    parameters = list(network.parameters())
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                layer.bias.zero_()
        for parameter, values in zip(parameters, first_weights([tuple(p.shape) for p in parameters]), strict=True):
            if values is not None:
                parameter.copy_(torch.from_numpy(values))
    pictures, labels = batch(count, size)
    targets = torch.from_numpy(labels)

    def inputs() -> Tensor:  # a picture's channels lie side by side: channels_last already
        return torch.from_numpy(pictures).permute(0, 3, 1, 2).float()

    with torch.no_grad():  # in the slices that the other side computes in, for its batch normalization
        slices = max(2, min(8, len(targets) // 16))  # as ours: normalization is over a slice
        pairs = zip(inputs().chunk(slices), targets.chunk(slices), strict=True)
        loss = sum(nn.functional.cross_entropy(network(x), y).item() for x, y in pairs) / slices
    optimizer = torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM)

    def step() -> None:
        loss = nn.functional.cross_entropy(network(inputs()), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    measured = measure(step, lambda: None, count, seconds)
    print(json.dumps({"parameters": sum(p.numel() for p in parameters), "loss": loss, **measured}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5]))
