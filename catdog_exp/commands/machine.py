"""`catdog machine`: which settings of this machine are in force and why; `catdog machine init` measures some."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.errors import UserError

if TYPE_CHECKING:
    from catdog_exp.experiment.config import RunConfig

SECONDS = 60  # of the tries, in all
BATCH_SIZES = (32, 64, 128, 256)


def main(words: Sequence[str]) -> int:
    """Show the files of this machine and of this copy, or make the machine's."""
    overrides, others = split_overrides(words)
    parser = Parser(
        "catdog machine",
        description="Which settings of this machine are in force, why, and what they change. "
        "KEY=VALUE changes the config, such as machine=NAME.",
    )
    parser.add_argument(
        "what", nargs="?", choices=["init"], help="write a file for this host, from a minute's try of a small training"
    )
    what = parser.parse_args(others).what

    from catdog_exp.app.compose import run_config

    config = run_config(overrides)
    print("\n".join(_made(config, overrides) if what == "init" else _shown(overrides)))
    return 0


def _shown(overrides: Sequence[str]) -> list[str]:
    """For each file in force: why, and each key that it sets, with its value and what that was without the file."""
    from catdog_exp.app.machine import changes

    lines = []
    for change in changes(overrides):
        lines.append(f"{change.group}: {change.file or 'no file'}  ({change.why})")
        width = max((len(key) for key in change.keys), default=0)
        for key, (value, before, line) in change.keys.items():
            instead = f"as without it: {value}" if value == before else f"{value}, in place of {before}"
            lines.append(f"  {key:<{width}}  {instead}  (line {line})")
    return lines


def _made(config: RunConfig, overrides: Sequence[str]) -> list[str]:
    """Write the file of this host. Raises UserError where it has one."""
    from catdog_exp.app.machine_files import machine_file

    host = socket.gethostname()
    file = Path.cwd() / "conf" / "machine" / f"{host}.yaml"
    if (there := machine_file(host)) or file.exists():
        raise UserError(f"{there or file}: this host has a file already, edit it or give it another name")
    text = _measured(config, overrides, host)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None
    return [text.rstrip(), f"written: {file}; it counts where a command is started in {Path.cwd()}"]


def _measured(config: RunConfig, overrides: Sequence[str], host: str) -> str:
    from catdog_exp.commands.doctor_report import cores, memory
    from catdog_exp.mx import gpu_problem
    from catdog_exp.training.quickest import images_per_second, quickest

    usable = len(os.sched_getaffinity(0))
    counts = sorted({*(1 << power for power in range(usable.bit_length()) if 1 << power <= usable), usable})
    hardware = replace(config.hardware, device="cpu" if gpu_problem() else "gpu")
    each = SECONDS / (len(counts) + len(BATCH_SIZES))

    def speed(threads: int, batch_size: int) -> float:
        own = replace(hardware, batch_size=batch_size)
        size, classes = config.data.resize, len(config.data.classes)
        return images_per_second(config.model, config.train, config.augment, own, size, classes, threads, each)

    by_threads = {threads: speed(threads, hardware.batch_size) for threads in counts}
    threads = quickest(by_threads)
    by_size = {size: speed(threads, size) for size in BATCH_SIZES}
    size = quickest(by_size)
    network = f"model={config.chosen.get('model')} at {config.data.resize} pixels"
    own = f" ({' '.join(overrides)})" if overrides else ""
    return f"""# @package _global_
# {host}, as `catdog machine init` found it: cores {cores().value}, memory {memory().value.partition(",")[0]}.
# Images/s of a small training, {network}{own}:
#   by threads, batches of {hardware.batch_size}: {_listed(by_threads)}
#   by batch size, hardware.threads={threads}: {_listed(by_size)}

hardware:
  device: {hardware.device}
  threads: {threads}
  # The quickest here. It changes results, so an experiment is the place for it, unless this machine is all there is.
  # batch_size: {size}
"""


def _listed(speeds: dict[int, float]) -> str:
    return ", ".join(f"{number}: {speed:.0f}" for number, speed in speeds.items())
