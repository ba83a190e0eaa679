"""The CUDA GPUs of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

from catdog_exp.facts import Fact, dotted

GPUS = "CUDA_VISIBLE_DEVICES"
OLDEST_GPU = (5, 0)  # compute capability; the wheels of MXNet hold nothing for older ones


def gpu_facts(mxnet: dict[str, Any] | None) -> list[Fact]:
    """The GPUs of this machine, and which of them MXNet runs on.

    mxnet: its answer to `gpu_problem` and `newest_gpu`, None where it cannot be imported.
    """
    facts = []
    newest = tuple(mxnet["newest_gpu"]) if mxnet else None
    for name, capability in _seen_gpus():
        about = f"compute capability {dotted(capability)}"
        if newest is None or OLDEST_GPU <= capability <= newest:
            facts.append(Fact("ok", name, about))
        else:
            limits = f"{dotted(OLDEST_GPU)} to {dotted(newest)}"
            facts.append(Fact("note", name, f"{about}, which MXNet cannot run on ({limits} can)"))
    if not facts:
        facts.append(Fact("note", "GPUs", "nvidia-smi shows none"))
    if mxnet is not None:
        problem = mxnet["gpu_problem"]
        facts.append(
            Fact("note", "runs use", f"the processor: {problem}") if problem else Fact("ok", "runs use", "the GPU")
        )
    return facts


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get(GPUS)
    if chosen is None:
        return [str(number) for number in range(len(_seen_gpus()))]
    return [gpu.strip() for gpu in chosen.split(",") if gpu.strip()]


def gpu_load() -> dict[str, float]:
    """How busy each GPU of this machine is now, in percent and megabytes, by MLflow's names; of none where none is."""
    load: dict[str, float] = {}
    if shutil.which("nvidia-smi") is not None:
        answer = _answer("index,utilization.gpu,memory.used")
        for number, busy, memory in re.findall(r"^(\d+), (\d+) %, (\d+) MiB$", answer, flags=re.MULTILINE):
            load[f"gpu_{number}_utilization_percentage"] = float(busy)
            load[f"gpu_{number}_memory_usage_megabytes"] = int(memory) * 2**20 / 1e6
    return load


def _seen_gpus() -> list[tuple[str, tuple[int, int]]]:
    found = re.findall(r"^(\d+)\.(\d+), (.+)$", _answer("compute_cap,name"), flags=re.MULTILINE)
    return [(name.strip(), (int(major), int(minor))) for major, minor, name in found]


def _answer(columns: str) -> str:
    """What nvidia-smi says of each GPU, a line for each; nothing where it cannot."""
    query = ["nvidia-smi", f"--query-gpu={columns}", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
