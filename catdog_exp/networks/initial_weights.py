"""First weights from elsewhere: read from a file, and matched with a network's own by name and shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError

KINDS = (".safetensors", ".onnx")
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Report:
    """Which of a network's parameters a file has. Names are in the network's order, `unused` in the file's.

    matched: of the same name and shape.
    missing: those that the file has not.
    other_shape: name, the network's shape and the file's.
    unused: what the file has and the network has not.
    """

    matched: list[str]
    missing: list[str]
    other_shape: list[tuple[str, tuple[int, ...], tuple[int, ...]]]
    unused: list[str]

    def lines(self) -> list[str]:
        """What was taken and what was not, and why, for the log."""
        count = len(self.matched) + len(self.missing) + len(self.other_shape)
        lines = [f"{len(self.matched)} of {count} parameters are taken from the file"]
        for name, own, given in self.other_shape:
            lines.append(f"  {name}: starts anew, its shape is {own}, the file's {given}")
        if self.missing:
            lines.append(f"  not in the file, start anew: {_some(self.missing)}")
        if self.unused:
            lines.append(f"  in the file, not in the network: {_some(self.unused)}")
        return lines


def check_weights(path: Path) -> None:
    """Raise UserError when `read_weights` cannot read such a file: no file, or another kind."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file of weights")
    if path.suffix.lower() not in KINDS:
        raise UserError(f"{path}: weights are read from {' and '.join(KINDS)} files")


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """All floating-point arrays in a .safetensors file or among an .onnx file's initializers, float32, by name.

    Raises UserError when there is no such file, or when it is damaged or of another kind.
    """
    check_weights(path)
    arrays = _from_onnx(path) if path.suffix.lower() == ".onnx" else _from_safetensors(path)
    return {
        name: values.astype(np.float32) for name, values in arrays.items() if np.issubdtype(values.dtype, np.floating)
    }


def match(own: Mapping[str, tuple[int, ...]], given: Mapping[str, NDArray[Any]]) -> Report:
    """Compare a network's parameters, shapes by structural name, with what a file has.

    Raises UserError when not one has the same name and shape.
    """
    shared = [name for name in own if name in given]
    matched = [name for name in shared if own[name] == given[name].shape]
    other_shape = [(name, own[name], given[name].shape) for name in shared if own[name] != given[name].shape]
    missing = [name for name in own if name not in given]
    unused = [name for name in given if name not in own]
    if not matched:
        what = "name and shape" if shared else "name"
        raise UserError(
            f"no parameter of the file has the {what} of one of the network's: the network has {_some(list(own))}; "
            f"the file has {_some(list(given))}"
        )
    return Report(matched, missing, other_shape, unused)


def _from_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except TypeError as error:  # bfloat16 and the 8-bit floats, which NumPy has not
        raise UserError(f"{path}: a type of number that NumPy has not ({error}): save it as float32") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: these weights are damaged or no safetensors file ({error})") from None


def _from_onnx(path: Path) -> dict[str, NDArray[Any]]:
    import onnx
    from onnx import numpy_helper

    try:
        model = onnx.load(path)
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    except Exception as error:  # protobuf has errors of its own, without types for a checker
        raise UserError(f"{path}: this ONNX file is damaged ({error})") from None


def _some(names: Iterable[str]) -> str:
    names = list(names)
    rest = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "") or "none"
