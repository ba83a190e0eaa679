"""CUDA's libraries, found where the nvidia-*-cu11 wheels put them, so that nobody has to set LD_LIBRARY_PATH."""

from __future__ import annotations

import ctypes
import importlib.util
from importlib import metadata
from pathlib import Path

BUILDS = ("mxnet-cu112", "mxnet-cu117")  # the wheels of MXNet that need them


def load_cuda_libraries() -> None:
    """Load them into this process where MXNet is a build for CUDA; what cannot be loaded is left to MXNet to miss."""
    found = importlib.util.find_spec("nvidia")
    if found is None or not any(_is_installed(name) for name in BUILDS):
        return
    waiting = [
        library
        for folder in found.submodule_search_locations or []
        for library in sorted(Path(folder).glob("*/lib/lib*.so.*"))
    ]
    while waiting:
        # One that needs another of them can be loaded after that one.
        left = [library for library in waiting if not _is_loaded(library)]
        if len(left) == len(waiting):
            return
        waiting = left


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _is_loaded(library: Path) -> bool:
    try:
        ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True
