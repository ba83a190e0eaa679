"""Checkpoints of networks that nobody has trained."""

from pathlib import Path

import numpy as np

from catdog_exp.mx import mx
from catdog_exp.networks.network import Network
from catdog_exp.networks.parameters import named_parameters
from catdog_exp.training.checkpoint import Checkpoint, save_checkpoint


def save_drawn(
    folder: Path, network: Network, size: int, *, mirrored: bool = False, quality: int | None = None
) -> Path:
    """A checkpoint of a network whose parameters, and statistics of normalization, are drawn."""
    block = network.build(size, 2)
    block.initialize(mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2))
    block(mx.nd.zeros((1, 3, size, size)))
    drawing = np.random.default_rng(7)
    parameters = {name: own.data().asnumpy() for name, own in named_parameters(block).items()}
    for name, values in parameters.items():
        if name.endswith(("running_mean", "beta", "bias")):
            parameters[name] = drawing.normal(0, 0.1, values.shape).astype(np.float32)
        elif list(parameters)[-2:].count(name):
            parameters[name] = values / 20  # of the last layer: it is not to be sure of anything
        elif name.endswith(("running_var", "gamma")):
            parameters[name] = drawing.uniform(0.7, 1.3, values.shape).astype(np.float32)
    checkpoint = Checkpoint(
        network=network,
        classes=["cat", "dog"],
        size=size,
        epoch=1,
        metrics={},
        objective="val/accuracy",
        seed=0,
        mirrored=mirrored,
        pack="",
        learned="",
        complete=True,
        validated="",
        quality=quality,
        parameters=parameters,
    )
    save_checkpoint(folder / "best.safetensors", checkpoint)
    return folder / "best.safetensors"
