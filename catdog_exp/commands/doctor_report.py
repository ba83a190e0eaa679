"""What this machine has, and lacks, to run experiments.

Imports nothing but the standard library by itself, and everything heavy in child processes: it must give
its report on the very machine where an import fails.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from catdog_exp.commands.packages import ASK_MXNET, IMPORTS, child, package_facts
from catdog_exp.errors import UserError, one_line
from catdog_exp.facts import Fact, dotted
from catdog_exp.gpus import gpu_facts
from catdog_exp.memory import memory_limit

PYTHONS = ((3, 11), (3, 12))
LITTLE_DISK = 2**30  # bytes free below which a run may not fit
GIB = 2**30

# Features of MXNet that change what it can do or how fast, and what is lost without them.
FEATURES = {
    "MKLDNN": "the processor computes several times slower without it (oneDNN)",
    "OPENMP": "only one core computes without it",
    "OPENCV": "MXNet reads no pictures by itself without it",
    "CUDA": "MXNet computes on the processor alone",
    "CUDNN": "MXNet computes on the processor alone",
}


def doctor(uri: str, outputs: Path, conf_folders: Sequence[Path], tracking: Sequence[Fact] = ()) -> int:
    """Print the report. Returns the exit code: 0, or 1 when something needed is missing.

    uri, outputs, conf_folders, tracking: as `report` takes them.
    """
    worst = 0
    for title, facts in report(uri, outputs, conf_folders, tracking):
        print(title)
        width = max((len(fact.name) for fact in facts), default=0)
        for fact in facts:
            print(f"  {fact.word:<7}  {fact.name:<{width}}  {fact.value}", flush=True)
            worst |= fact.word == "missing"
    print("something that is needed is missing: see above" if worst else "all that is needed is here")
    return worst


def report(
    uri: str, outputs: Path, conf_folders: Sequence[Path], tracking: Sequence[Fact] = ()
) -> Iterator[tuple[str, list[Fact]]]:
    """The sections of the report, each with its title, one after the other as they are found out.

    uri: of the MLflow store. outputs: folder that runs write to. conf_folders: where configs are searched.
    tracking: which settings of the tracking are in force.
    """
    yield "Python", _python()
    yield "Packages", package_facts()
    mxnet = _ask_mxnet()
    yield "MXNet", _mxnet(mxnet)
    yield "Machine", [cores(), memory(), _disk(outputs)]
    yield "GPUs", gpu_facts(mxnet)
    yield "Tracking", [*tracking, _store(uri), *_unsent(outputs)]
    yield "Configs", [_folder(folder) for folder in conf_folders]


def _python() -> list[Fact]:
    (first, last), this = PYTHONS, sys.version_info[:2]
    needed = f"{dotted(first)} to {dotted(last)}"
    return [
        Fact(
            "ok" if first <= this <= last else "missing",
            "version",
            f"{platform.python_version()} (needs {needed})",
        ),
        Fact("ok" if sys.platform == "linux" else "note", "platform", platform.platform()),
        Fact("ok", "program", sys.executable),
    ]


def _ask_mxnet() -> dict[str, Any] | None:
    outcome = child(ASK_MXNET, IMPORTS["mxnet"])
    if isinstance(outcome, str) or outcome.returncode != 0:
        return None
    answer: dict[str, Any] = json.loads(outcome.stdout.splitlines()[-1])
    return answer


def _mxnet(answer: dict[str, Any] | None) -> list[Fact]:
    if answer is None:
        return [Fact("missing", "MXNet", "cannot be asked, see Packages")]
    has = answer["features"]
    return [
        Fact("ok", name, "yes") if name in has else Fact("note", name, f"no: {lost}") for name, lost in FEATURES.items()
    ]


def cores() -> Fact:
    """The cores that this process may use."""
    usable, there = len(os.sched_getaffinity(0)), os.cpu_count()
    return Fact("ok", "cores", f"{usable} usable" + (f" of {there}" if there != usable else ""))


def memory() -> Fact:
    """The memory that this process may use."""
    try:
        import psutil
    except ImportError as error:
        return Fact("note", "memory", f"cannot be measured: {error}")
    of_all = psutil.virtual_memory()
    limit = memory_limit()
    text = f"{of_all.total / GIB:.1f} GiB, {of_all.available / GIB:.1f} GiB free"
    if limit is not None and limit < of_all.total:
        text = f"{limit / GIB:.1f} GiB allowed to this container (the machine has {text})"
    return Fact("ok", "memory", text)


def _disk(outputs: Path) -> Fact:
    there = next(folder for folder in (outputs.absolute(), *outputs.absolute().parents) if folder.is_dir())
    if not os.access(there, os.W_OK):
        return Fact("missing", "outputs", f"{outputs}: {there} is read-only; choose another with paths.outputs=DIR")
    free = shutil.disk_usage(there).free
    return Fact("ok" if free >= LITTLE_DISK else "note", "outputs", f"{outputs}: {free / GIB:.1f} GiB free")


def _store(uri: str) -> Fact:
    try:
        from catdog_exp.tracking.state import store_state

        return Fact("ok", "store", store_state(uri))
    except UserError as error:
        return Fact("missing", "store", str(error))
    except (ImportError, OSError) as error:
        return Fact("note", "store", f"cannot be looked at: {one_line(error) or error}")


def _unsent(outputs: Path) -> list[Fact]:
    try:
        from catdog_exp.tracking.journal import unsent_line
    except ImportError:  # which other facts are about
        return []
    line = unsent_line(outputs)
    return [Fact("note", "unsent", line)] if line else []


def _folder(folder: Path) -> Fact:
    there = folder.is_dir()
    return Fact("ok" if there else "missing", "folder", f"{folder}{'' if there else ': no such folder'}")
