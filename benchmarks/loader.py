"""Augmented batches/s against MXNet's ImageRecordIter and a PyTorch DataLoader, and the loader's share of an epoch.

    uv run python benchmarks/loader.py [--torch-python PYTHON] [--rounds 5] [--sizes 32 64] [--batch 64]

Needs the 2,000 training photographs of cats_and_dogs_filtered, in the folder that CATDOG_REAL_DATA names, or in
../shared/data beside this repository. PYTHON is an interpreter that has torch and torchvision:

    uv venv ../torchvenv && uv pip install --python ../torchvenv torch torchvision
    uv run python benchmarks/loader.py --torch-python ../torchvenv/bin/python

All read the same pack and do the same: "crop, flip, colour" is a crop from anywhere within a border of 2 pixels,
mirrored half of the time, with brightness, contrast and saturation changed by up to 30 %; "and scale, rotation" cuts
60 to 100 % of the area at aspects of 0.8 to 1.25 instead, and turns by up to 10 degrees. PyTorch reads the pack's
JPEGs, as its users do, or ("in memory") has decoded all of them before. Each measurement is a process of its own, in
turn with the others; its first epoch is not counted. Of each peer the number of workers counts that is best, in
batches/s and in processor time. Look at "cores had": while others compute on the same machine, only processor times
can be compared.

The share is that of a real run of the default network: how long training waits for batches, and the processor time
of the threads that make them, in the training part of an epoch; medians over the epochs after the first.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from peers.loading import AREA, ASPECT, DEGREES, JITTER, KINDS, PAD, measured

REPOSITORY = Path(__file__).resolve().parents[1]
CORES = len(os.sched_getaffinity(0))
PEERS = Path(__file__).with_name("peers")
EPOCHS = 8  # of the run whose loader is measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64], metavar="PIXELS")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        side, words = json.loads(arguments.measure)
        print(json.dumps(SIDES[side](**words)))
        return
    root = photographs()
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            place = made_pack(root, Path(folder), size)
            for kind in KINDS:
                against_peers(arguments, place, size, kind)
        share(root, Path(folder))


def photographs() -> Path:
    """The folder of the photographs; ends the program where there is none."""
    root = Path(os.environ.get("CATDOG_REAL_DATA", REPOSITORY.parent / "shared" / "data")) / "cats_and_dogs_filtered"
    if not root.is_dir():
        sys.exit(f"not measured: there are no photographs in {root}; CATDOG_REAL_DATA names another folder")
    return root


def settings(root: Path, folder: Path) -> list[str]:
    return ["data=filtered", f"data.root={root}", f"paths.outputs={folder}", "tracking=none"]


def made_pack(root: Path, folder: Path, size: int) -> Path:
    """The pack's folder; in it `files/` has each training picture's JPEG, by its label and number."""
    from catdog_exp.app.compose import run_config
    from catdog_exp.data.decoded_cache import decoded_side
    from catdog_exp.packs.plan import plan_pack
    from catdog_exp.packs.recordio import read_records, unpack_record
    from catdog_exp.packs.store import open_pack

    config = run_config([*settings(root, folder), f"data.resize={size}"])
    pack = open_pack(plan_pack(config.data.source.listing(config.data.classes), config.data, folder / "packs"))
    decoded_side(pack, "train", size, CORES)
    files = pack.folder / "files"
    files.mkdir()
    for rec in pack.records("train"):
        for record in map(unpack_record, read_records(rec)):
            (files / f"{record.labels[0]:.0f}_{record.id}.jpg").write_bytes(record.image)
    return pack.folder


def against_peers(arguments: argparse.Namespace, place: Path, size: int, kind: str) -> None:
    words = {"place": str(place), "size": size, "batch": arguments.batch, "kind": kind}
    sides = {"catdog": own("catdog", **words)}
    for threads in sorted({1, CORES}):
        sides[f"ImageRecordIter, {threads}"] = peer(sys.executable, "mxnet_loader.py", **words, threads=threads)
    if arguments.torch_python:
        for memory in (False, True):
            for workers in (0, CORES):
                command = peer(arguments.torch_python, "torch_loader.py", **words, workers=workers, memory=memory)
                sides[f"DataLoader{' in memory' if memory else ''}, {workers}"] = command
    rates: dict[str, list[float]] = {name: [] for name in sides}
    costs: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.rounds):
        for name, command in sides.items():
            found = alone(command)
            rates[name].append(found["batches"] / found["seconds"])
            costs[name].append(found["processor"] / found["batches"])
    print(f"\n{kind}, {size} pixels, batches of {arguments.batch}, {CORES} cores, medians of {arguments.rounds} rounds")
    print(f"{'':<25} batches/s  processor ms/batch  cores had")
    for name in sides:
        rate, cost = (statistics.median(found[name]) for found in (rates, costs))
        print(f"{name:<25} {rate:>9,.0f} {1000 * cost:>19.2f} {rate * cost:>10.2f}")
    for title in ("ImageRecordIter", "DataLoader", "DataLoader in memory"):
        if theirs := [name for name in sides if name.startswith(f"{title}, ")]:
            faster = max(theirs, key=lambda name: statistics.median(rates[name]))
            cheaper = min(theirs, key=lambda name: statistics.median(costs[name]))
            in_rate = ratio(rates["catdog"], rates[faster])
            in_cost = ratio(costs[cheaper], costs["catdog"])
            print(f"RATIO {in_rate:.1f} × {title} in batches/s, {in_cost:.1f} × in processor time", flush=True)


def ratio(ones: list[float], others: list[float]) -> float:
    """The median of the ratios, round by round."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def share(root: Path, folder: Path) -> None:
    found = alone(own("share", root=str(root), folder=str(folder)))
    parts = {name: statistics.median(values) for name, values in found.items()}
    print(
        f"\nthe default network, 32 pixels, augment=basic: an epoch trains for {parts['seconds']:.2f} s, of which it "
        f"waits for batches {parts['waited'] / parts['seconds']:.1%}, and their threads compute "
        f"{parts['computed'] / parts['seconds']:.1%}: together {parts['both']:.1%}"
    )


def own(side: str, **words: Any) -> list[str]:
    """The command of a measurement in this file."""
    return [sys.executable, __file__, "--measure", json.dumps([side, words])]


def peer(python: str, script: str, **words: Any) -> list[str]:
    """The command of a peer's measurement."""
    return [python, str(PEERS / script), json.dumps(words)]


def alone(command: list[str]) -> dict[str, Any]:
    """A measurement in a process of its own."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def catdog(place: str, size: int, batch: int, kind: str) -> dict[str, float]:
    from catdog_exp.data.batches import train_batches
    from catdog_exp.data.config import AugmentConfig
    from catdog_exp.data.decoded_cache import mapped

    colour: dict[str, Any] = {"brightness": JITTER, "contrast": JITTER, "saturation": JITTER}
    augment = AugmentConfig(random_crop=True, pad=PAD, flip="random", **colour)
    if kind == KINDS[1]:
        cut: dict[str, Any] = {"scale": list(AREA), "aspect": list(ASPECT), "rotation": float(DEGREES)}
        augment = AugmentConfig(random_crop=True, flip="random", **colour, **cut)
    pictures = mapped(Path(place) / "decoded" / "train", size)

    def epochs() -> Iterator[Iterator[Any]]:
        epoch = 0
        while epoch := epoch + 1:
            yield (crops for crops, _ in train_batches(pictures, augment, 2, batch, seed=0, epoch=epoch, threads=CORES))

    return measured(epochs(), batch)


def loader_share(root: str, folder: str) -> dict[str, list[float]]:
    """Seconds of each epoch but the first: its training, its waiting for batches, their threads' computing."""
    from catdog_exp import cli
    from catdog_exp.data import batches, epoch
    from catdog_exp.training import trainer as trainer

    times: dict[str, list[float]] = {"seconds": [], "waited": [], "computed": []}
    train_batches, batch = batches.train_batches, epoch.AugmentedEpoch.batch
    computed: list[float] = []

    def timed(*words: Any) -> Iterator[Any]:
        computed.clear()
        started, waited = time.perf_counter(), 0.0
        coming = train_batches(*words)
        while True:
            asked = time.perf_counter()
            item = next(coming, None)
            waited += time.perf_counter() - asked
            if item is None:
                break
            yield item
        for name, value in (
            ("seconds", time.perf_counter() - started),
            ("waited", waited),
            ("computed", sum(computed)),
        ):
            times[name].append(value)

    def timed_batch(*words: Any) -> Any:
        started = time.thread_time()
        made = batch(*words)
        computed.append(time.thread_time() - started)
        return made

    trainer.train_batches = timed  # type: ignore[assignment,attr-defined]
    epoch.AugmentedEpoch.batch = timed_batch  # type: ignore[method-assign,assignment]
    sys.argv = ["catdog", *settings(Path(root), Path(folder)), f"train.epochs={EPOCHS}", "stages=[pack,train]"]
    if ended := cli.main():
        sys.exit(ended)
    later = {name: values[1:] for name, values in times.items()}
    both = [(waited + computed) / seconds for seconds, waited, computed in zip(*later.values(), strict=True)]
    return {**later, "both": both}


SIDES: dict[str, Callable[..., Any]] = {"catdog": catdog, "share": loader_share}

if __name__ == "__main__":
    main()
