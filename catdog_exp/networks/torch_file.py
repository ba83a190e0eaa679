"""Files that `torch.save` wrote before version 1.6, read without PyTorch, and without trusting them."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # what each such file begins with


@dataclass(frozen=True)
class _Storage:
    """Numbers that stand behind the pickled part of the file, under a name."""

    key: str
    kind: np.dtype[Any]
    length: int


@dataclass(frozen=True)
class _Tensor:
    """A part of a storage, from its number `start` on. strides: in numbers, along each axis."""

    storage: _Storage
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_file(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a saved ordered dictionary, by name.

    Raises UserError where the file is of another kind, damaged, or asks for anything but tensors and ordered
    dictionaries of them.
    """
    try:
        with path.open("rb") as file:
            if _Unpickler(file).load() != MAGIC or _Unpickler(file).load() != PROTOCOL:
                raise ValueError("it begins otherwise")
            _Unpickler(file).load()  # of the machine that wrote it: little-endian, as all that are of use here
            tensors: dict[str, _Tensor] = _Unpickler(file).load()
            storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
            numbers = {key: _numbers(file, storages[key]) for key in _Unpickler(file).load()}
            return {name: _array(tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items()}
    except (
        OSError,
        EOFError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        pickle.PickleError,
    ) as error:
        raise UserError(
            f"{path}: this is no file of weights that PyTorch wrote ({error or 'it is cut short'})"
        ) from None


class _Unpickler(pickle.Unpickler):
    """Makes descriptions of tensors, and ordered dictionaries; whatever else a file names is refused."""

    def find_class(self, module: str, name: str) -> Any:
        made = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": _tensor,
            "torch.FloatStorage": np.dtype("<f4"),
            "torch.LongStorage": np.dtype("<i8"),
        }.get(f"{module}.{name}")
        if made is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no tensor")
        return made

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, length, _ = pid
        return _Storage(key, kind, length)


def _tensor(storage: _Storage, start: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, start, shape, strides)


def _numbers(file: IO[bytes], storage: _Storage) -> NDArray[Any]:
    length = int.from_bytes(file.read(8), "little")
    content = file.read(length * storage.kind.itemsize) if length == storage.length else b""
    if len(content) != length * storage.kind.itemsize:
        raise ValueError(f"{storage.length} numbers are expected under {storage.key}, and others are there")
    return np.frombuffer(content, storage.kind)


def _array(tensor: _Tensor, numbers: NDArray[Any]) -> NDArray[Any]:
    axes = list(zip(tensor.shape, tensor.strides, strict=True))
    last = tensor.start + sum((length - 1) * stride for length, stride in axes)
    if min(tensor.start, *tensor.strides, *tensor.shape, 0) < 0 or last >= len(numbers):
        raise ValueError("a tensor lies outside of its numbers")
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(numbers[tensor.start :], tensor.shape, strides))
