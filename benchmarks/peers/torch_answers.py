"""The peer of serve.py: the same networks with the same weights in PyTorch, to predict alone.

Runs in an environment of its own: python torch_answers.py NETWORK FOLDER SIZE COUNT SECONDS. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from step import batch, measure
from torch_step import cnn, resnet

CHECKED = 8  # as serve.py has it


def main(name: str, folder: Path, size: int, count: int, seconds: float) -> None:
    torch.set_num_threads(1)
    network = {"cnn": cnn, "resnet": resnet}[name](size)
    state = {key: values for key, values in network.state_dict().items() if values.ndim}
    with np.load(folder / "weights.npz") as weights:  # in the order of the network
        given = [weights[key] for key in sorted(weights.files)]
    for values, own in zip(given, state.values(), strict=True):
        own.copy_(torch.from_numpy(values))
    network.eval().to(memory_format=torch.channels_last)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            assert layer.eps == 1e-5
    pictures = batch(max(count, CHECKED), size)[0]

    def answer(crops: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float()  # as it lies in memory: channels last
            return torch.softmax(network(pixels), 1).numpy()

    found = answer(pictures[:CHECKED])[:, 1].tolist()
    print(json.dumps({**measure(lambda: answer(pictures[:count]), lambda: None, count, seconds), "answers": found}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *(int(word) for word in sys.argv[3:5]), seconds=float(sys.argv[5]))
