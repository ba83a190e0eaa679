"""Checkpoints: one file that holds a trained network whole, and nothing that differs between equal runs.

A checkpoint is a safetensors file: the parameters by their structural name, and under one metadata key a
JSON object that says what network they belong to and what it was trained for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.networks.network import Network
from catdog_exp.reading import read
from catdog_exp.training.learned import Learned, decoded

FORMAT = 4
WITHOUT_QUALITY = 3  # an earlier format, which does not say how the pictures were packed
WITHOUT_PICTURES = 2  # the one before, which does not say what the network was trained on either
# safetensors writes several metadata keys in an order that changes from run to run: one key does not.
KEY = "catdog"


@dataclass(frozen=True)
class Header:
    """All of a checkpoint but its parameters.

    network: the family and its layer counts.
    classes: names by label.
    size: edge of the square input in pixels.
    epoch: how many epochs it has been trained.
    metrics: that epoch's, without the speed.
    objective: the metric that the best epoch was chosen by.
    seed: of the training.
    mirrored: whether it is to be asked with each picture's mirror image too.
    pack: fingerprint of the pack that it was trained on, "" where that is not known.
    learned, complete: the pictures that it has ever been trained on, as `Learned.encoded` writes them.
    validated: in the same way, those that its best epoch, or that of a network it started from, was chosen on.
    quality: of the JPEGs that its pictures were packed as, 1..100; None where that is not known.
    """

    network: Network
    classes: list[str]
    size: int
    epoch: int
    metrics: dict[str, float]
    objective: str
    seed: int
    mirrored: bool
    pack: str
    learned: str
    complete: bool
    validated: str
    quality: int | None


@dataclass(frozen=True)
class Checkpoint(Header):
    """A trained network. parameters: arrays by structural name, as the network's blocks nest."""

    parameters: dict[str, NDArray[Any]]

    @property
    def pictures(self) -> Learned:
        """The pictures that it has ever been trained on."""
        return decoded(self.learned, self.complete)

    @property
    def choosing(self) -> Learned:
        """The pictures that its best epoch was chosen on."""
        return decoded(self.validated, self.complete)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint aside, then put it in the place of `path`. Equal checkpoints give equal bytes.

    Raises UserError when the system refuses the writing.
    """
    from safetensors.numpy import save

    header: dict[str, Any] = {"format": FORMAT}
    for field in dataclasses.fields(Header):
        header[field.name] = getattr(checkpoint, field.name)
    header["network"] = as_config(checkpoint.network)
    header["params_sha256"] = params_sha256(checkpoint.parameters)
    parameters = {name: np.ascontiguousarray(values) for name, values in checkpoint.parameters.items()}
    content = save(parameters, metadata={KEY: json.dumps(header, sort_keys=True)})
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        aside.write_bytes(content)
        with aside.open("rb") as file:
            os.fsync(file.fileno())  # a state that names it as its best outlives a power cut


def load_checkpoint(path: Path, own: type[Network] | None = None) -> Checkpoint:
    """The checkpoint in a file.

    own: a family that is not of this package and that the file may name, as the config in force does. Nothing else
    is imported that it names: somebody may have sent it.

    Raises UserError when there is none, when it is cut short or damaged, when it is not this program's, or when its
    network may not or cannot be imported.
    """
    values, parameters = _content(path)
    try:
        header = read(Header, values, targets=[] if own is None else [_target(own)])
    except UserError as error:
        raise UserError(f"{path}: this checkpoint's header does not fit: {error}") from None
    fields = {field.name: getattr(header, field.name) for field in dataclasses.fields(Header)}
    return Checkpoint(**fields, parameters=parameters)


def epoch_of(path: Path) -> Any:
    """The epoch of the checkpoint in a file, whatever its network. Raises UserError where none is whole."""
    return _content(path)[0].get("epoch")


def pictures_in(path: Path) -> tuple[Learned, Learned]:
    """The pictures that weights in a file were trained on, and chosen on, as far as the file says so."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            values = json.loads((file.metadata() or {})[KEY])
        return decoded(values["learned"], values["complete"]), decoded(values["validated"], values["complete"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):  # of another program, or another kind of file
        return Learned(complete=False), Learned(complete=False)


def as_config(network: Network) -> dict[str, Any]:
    """The network's `_target_` and keys, as `reading.read` reads them."""
    return {"_target_": _target(type(network)), **dataclasses.asdict(network)}


def _target(family: type[Network]) -> str:
    return f"{family.__module__}.{family.__qualname__}"


def params_sha256(parameters: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256, in hexadecimal, over the bytes of all parameters in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(parameters):
        digest.update(np.ascontiguousarray(parameters[name]).tobytes())
    return digest.hexdigest()


def _content(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header's values as they stand in the file, and the parameters, which are those that were saved."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UserError(f"{path}: there is no such checkpoint file")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            parameters = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: this checkpoint is damaged or is no safetensors file ({error})") from None
    if text is None:
        raise UserError(f"{path}: this safetensors file is not a checkpoint of this program")
    try:
        values = json.loads(text)
        version = values.pop("format")
        # safetensors itself does not notice a changed byte among the parameters.
        known = version in (FORMAT, WITHOUT_QUALITY, WITHOUT_PICTURES)
        whole = not known or values.pop("params_sha256") == params_sha256(parameters)
        if version != FORMAT:
            values["quality"] = None
        if version == WITHOUT_PICTURES:
            values |= {"pack": "", "learned": "", "complete": False, "validated": ""}
        for key in ("learned", "validated"):
            decoded(str(values.get(key, "")), complete=False)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(f"{path}: this checkpoint's header is damaged") from None
    if not known:
        raise UserError(f"{path}: this checkpoint has format {version}, and this program reads format {FORMAT}")
    if not whole:
        raise UserError(f"{path}: this checkpoint is damaged, its parameters are not those that were saved")
    return values, parameters
