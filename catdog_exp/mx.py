"""The only module that imports MXNet: what its 1.9.1 needs to start, and the devices that it can use.

An operator computes with one thread here: split among several, its sums would end in other digits. What
runs side by side are contexts: mx.cpu(0), mx.cpu(1), … have a worker thread each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from catdog_exp.errors import UserError

# The wheels of MXNet 1.9.1 for CUDA hold machine code for Maxwell to Ampere, which Ada (8.9) runs too, and
# no code that a driver could translate for a newer card.
NEWEST_CARD = (8, 9)

# Read by MXNet once, when it is imported. All contexts of the processor take their scratch memory from one
# pool, four pieces by default: operators with the same piece wait for each other.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MXNET_CPU_TEMP_COPY": "64"}


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _import_mxnet() -> Any:
    """MXNet, imported with two things in place that are taken away again afterwards.

    `numpy.bool`, which NumPy dropped in 1.24, is read during the import. scikit-learn is hidden, since
    MXNet imports it where it is installed, for one base class, at the cost of several seconds.
    """
    missing = object()
    sklearn = sys.modules.get("sklearn", missing)
    sys.modules["sklearn"] = None  # type: ignore[assignment]
    had_bool = "bool" in vars(np)
    if not had_bool:
        np.bool = bool  # type: ignore[attr-defined]
    try:
        with _environment(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import mxnet
    finally:
        if not had_bool:
            del np.bool  # type: ignore[attr-defined]
        if sklearn is missing:
            del sys.modules["sklearn"]
        else:
            sys.modules["sklearn"] = sklearn  # type: ignore[assignment]
    return mxnet


mx = _import_mxnet()


def context(device: Literal["cpu", "gpu", "auto"]) -> Any:
    """MXNet's context for a device: `auto` is a CUDA card where MXNet can compute on one, else the processor.

    Raises UserError when `gpu` is asked for and MXNet cannot compute on one; the line says why.
    """
    if device == "cpu":
        return mx.cpu()
    problem = gpu_problem()
    if problem is None:
        return mx.gpu(0)
    if device == "auto":
        return mx.cpu()
    raise UserError(f"hardware.device=gpu: {problem}; hardware.device=cpu computes on the processor")


def side_by_side(place: Any, count: int) -> list[Any]:
    """`count` contexts that compute at once where `place` is the processor; a card alone computes as one."""
    return [mx.cpu(number) for number in range(count)] if place.device_type == "cpu" else [place]


def gpu_problem() -> str | None:
    """Why MXNet cannot compute on a CUDA card here, in one line, or None where it can."""
    if "CUDA" not in features():
        return "the MXNet that is installed is built for the processor alone (the wheel mxnet-cu112 has CUDA)"
    try:
        count = mx.context.num_gpus()
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        return f"CUDA does not start ({reason})"
    if count == 0:
        return "no CUDA card is seen (nvidia-smi lists those that the driver sees)"
    capability = _compute_capability()
    if capability is not None and capability > NEWEST_CARD:
        major, minor = capability
        return (
            f"this card's compute capability is {major}.{minor}, "
            f"and MXNet {mx.__version__} runs on none newer than {NEWEST_CARD[0]}.{NEWEST_CARD[1]}"
        )
    return None


def features() -> list[str]:
    """Names of the features that this MXNet is built with, for instance CUDA, MKLDNN and OPENCV."""
    return sorted(name for name, feature in mx.runtime.Features().items() if feature.enabled)


def _compute_capability() -> tuple[int, int] | None:
    """Compute capability of the first card, or None where nvidia-smi is not there or does not tell it."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
        major, minor = answer.splitlines()[0].split(".")
        return int(major), int(minor)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
