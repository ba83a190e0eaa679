"""The only module that imports MXNet: what its 1.9.1 needs to start, and the devices that it can use.

An operator computes with one thread here: split among several, its sums would end in other digits. What
runs side by side are contexts: mx.cpu(0), mx.cpu(1), … have a worker thread each.
"""

from __future__ import annotations

import builtins
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from catdog_exp.collection import uncollected
from catdog_exp.cuda_libraries import load_cuda_libraries
from catdog_exp.errors import UserError
from catdog_exp.facts import dotted
from catdog_exp.gpus import OLDEST_GPU

# The wheels of MXNet 1.9.1 for CUDA hold machine code for Maxwell to Ampere, which Ada (8.9) runs too, and
# no code that a driver could translate for a newer GPU.
NEWEST_GPU = (8, 9)

# Read by MXNet once, at its import or when it first computes. All contexts of the processor take their scratch memory
# from one pool, four pieces by default: operators with the same piece wait for each other.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MXNET_CPU_TEMP_COPY": "64"}

# Parts of MXNet that nothing here uses, by their names in it.
UNUSED = ("contrib.onnx", "contrib.quantization", "contrib.text", "onnx", "test_utils")

DEFINITION = re.compile(r"\s*def (\w+)\(")

# CUDA then numbers the GPUs as nvidia-smi does. Read when the first GPU is used.
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """These environment variables while the block runs, then those that were."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def modules(stand_ins: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """These modules in place of those of the same names while the block runs; None cannot be imported."""
    before = {name: sys.modules[name] for name in stand_ins if name in sys.modules}
    sys.modules.update(stand_ins)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]
        sys.modules.update(before)


@contextmanager
def compiled_when_called() -> Iterator[None]:
    """Has MXNet, imported in this block, compile the functions of its operators one by one, when each is first called.

    It writes the text of 2,500 functions and executes each, two fifths of its import's time; a program calls a few.
    """
    execute = builtins.exec

    def lazily(source: Any, scope: Any = None, names: Any = None, /, **more: Any) -> None:
        caller = sys._getframe(1)
        if names is None:
            names = caller.f_locals if scope is None else scope
        defined = DEFINITION.match(source) if scope is None and isinstance(source, str) else None
        scope = caller.f_globals if scope is None else scope
        if defined is None:
            execute(source, scope, names, **more)
            return
        made: dict[str, Any] = {}
        name = defined[1]

        def function(*given: Any, **named: Any) -> Any:
            if not made:
                execute(source, scope, made)
            return made[name](*given, **named)

        names[name] = function

    builtins.exec = lazily
    try:
        yield
    finally:
        builtins.exec = execute


def _import_mxnet() -> Any:
    """MXNet, imported with things in place that are taken away again afterwards.

    `numpy.bool`, which NumPy dropped in 1.24, is read during the import. Hidden are scikit-learn and SciPy, which
    MXNet imports where they are installed, for one base class and for sparse arrays, and parts of MXNet that nothing
    here uses: they bring scipy.stats, tables of words and onnx. Together they are more than half of the import's time.
    """
    had_bool = "bool" in vars(np)
    if not had_bool:
        np.bool = bool  # type: ignore[attr-defined]
    load_cuda_libraries()
    unused = {f"mxnet.{name}": ModuleType(name) for name in UNUSED}
    try:
        with (
            uncollected(),
            environment(ENVIRONMENT),
            modules({"sklearn": None, "scipy": None, **unused}),
            compiled_when_called(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            import mxnet

            mxnet.random.seed(0)  # makes the pools of scratch memory and of random numbers
    finally:
        if not had_bool:
            del np.bool  # type: ignore[attr-defined]
    return mxnet


mx = _import_mxnet()


def context(device: Literal["cpu", "gpu", "auto"], gpus: int = 1) -> Any:
    """MXNet's context for a device: `auto` is a CUDA GPU where MXNet can compute on one, else the processor.

    gpus: how many are going to compute, from this one on.
    Raises UserError when MXNet cannot compute on a GPU that is asked for; the line says why.
    """
    if device == "cpu":
        return mx.cpu()
    problem = gpu_problem()
    if problem is not None:
        if device == "auto":
            return mx.cpu()
        raise UserError(f"hardware.device=gpu: {problem}; hardware.device=cpu computes on the processor")
    problem = gpu_problem(gpus)
    if problem is not None:
        raise UserError(f"hardware.gpus={gpus}: {problem}")
    return mx.gpu(0)


def check_dtype(place: Any, dtype: str) -> None:
    """Raise UserError when MXNet cannot compute with numbers of this type on a context."""
    if place.device_type == "gpu":
        problem = "" if dtype != "bfloat16" else "MXNet has it on processors alone; a GPU has float16"
    elif dtype == "bfloat16":
        problem = "" if "avx512_bf16" in processor_flags() else "this processor does not have it (AVX512_BF16)"
    else:
        problem = "" if dtype == "float32" else "MXNet has it on GPUs alone; a processor may have bfloat16"
    if problem:
        raise UserError(f"hardware.dtype={dtype}: {problem}; float32 computes everywhere")


def processor_flags() -> list[str]:
    """What instructions the processor has beyond the first ones, as Linux names them."""
    found = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return found[1].split() if found else []


def side_by_side(place: Any, count: int, gpus: int = 1) -> list[Any]:
    """Contexts that compute at once: `count` of them where `place` is the processor, else so many `GPUs`."""
    if place.device_type == "cpu":
        return [mx.cpu(number) for number in range(count)]
    return [mx.gpu(number) for number in range(gpus)]


def gpu_problem(gpus: int = 1) -> str | None:
    """Why MXNet cannot compute on so many CUDA GPUs here, in one line, or None where it can."""
    if "CUDA" not in features():
        return "the MXNet that is installed is built for the processor alone (the wheel mxnet-cu112 has CUDA)"
    try:
        count = mx.context.num_gpus()
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        return f"CUDA does not start ({reason})"
    if count == 0:
        return "no CUDA GPU is seen (nvidia-smi lists those that the driver sees)"
    if count < gpus:
        return f"CUDA sees no more than {count} here"
    for capability in _compute_capabilities(gpus):
        if not OLDEST_GPU <= capability <= NEWEST_GPU:
            return (
                f"a GPU's compute capability is {dotted(capability)}, and MXNet {mx.__version__} "
                f"runs on none older than {dotted(OLDEST_GPU)} and none newer than {dotted(NEWEST_GPU)}"
            )
    return None


def features() -> list[str]:
    """Names of the features that this MXNet is built with, for instance CUDA, MKLDNN and OPENCV."""
    return sorted(name for name, feature in mx.runtime.Features().items() if feature.enabled)


def _compute_capabilities(gpus: int) -> list[tuple[int, int]]:
    """Compute capabilities of the first `GPUs` that CUDA may see; none where nvidia-smi does not tell them."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(gpus)))
    used = ",".join(visible.split(",")[:gpus])
    query = [command, "--query-gpu=compute_cap", "--format=csv,noheader", f"--id={used}"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [(int(major), int(minor)) for major, minor in re.findall(r"^(\d+)\.(\d+)$", answer, flags=re.MULTILINE)]
