"""Augmented batches/s against MXNet's ImageRecordIter and a PyTorch DataLoader, and the loader's share of an epoch.

    uv run python benchmarks/loader.py [--torch-python PYTHON] [--rounds 5] [--sizes 32 64] [--batch 64]

Needs the 2,000 training photographs of cats_and_dogs_filtered, in the folder that CATDOG_REAL_DATA names, or in
../shared/data beside this repository. PYTHON is an interpreter that has torch and torchvision:

    uv venv ../torchvenv && uv pip install --python ../torchvenv torch torchvision
    uv run python benchmarks/loader.py --torch-python ../torchvenv/bin/python

All read the same pack and do the same: "crop, flip, colour" is a square from anywhere within a border of 2 pixels,
mirrored half of the time, with brightness, contrast and saturation changed by up to 30 %; "and scale, rotation" cuts
60 to 100 % of the area at aspects of 0.8 to 1.25 instead, and turns by up to 10 degrees. PyTorch reads the pack's
JPEGs, as its users do, or ("in memory") has decoded all of them before. Each measurement is a process of its own, in
turn with the others; its first epoch is not counted. Of each peer the number of workers counts that is best, in
batches/s and in processor time. Look at "cores had": while others compute on the same machine, only processor times
can be compared.

The share is that of a real run of the default network: how long training waits for batches, and the processor time
of the thread that makes them, in the training part of an epoch; medians over the epochs after the first.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
CORES = len(os.sched_getaffinity(0))
KINDS = ("crop, flip, colour", "and scale, rotation")
PAD, JITTER, AREA, ASPECT, DEGREES = 2, 0.3, (0.6, 1.0), (0.8, 1.25), 10
SECONDS = 2.0  # that each measurement takes, at least
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
    from catdog_exp.app import run_config
    from catdog_exp.batches.shared import decoded_side
    from catdog_exp.pictures.packs import open_pack
    from catdog_exp.pictures.records import read_records, unpack_record

    config = run_config([*settings(root, folder), f"data.resize={size}"])
    pack = open_pack(config.data.source.listing(config.data.classes), config.data, folder / "packs")
    decoded_side(pack, "train", size, CORES)
    files = pack.folder / "files"
    files.mkdir()
    for rec in pack.records("train"):
        for record in map(unpack_record, read_records(rec)):
            (files / f"{record.labels[0]:.0f}_{record.id}.jpg").write_bytes(record.image)
    return pack.folder


def against_peers(arguments: argparse.Namespace, place: Path, size: int, kind: str) -> None:
    words = {"place": str(place), "size": size, "batch": arguments.batch, "kind": kind}
    sides: dict[str, tuple[str, str, dict[str, Any]]] = {"catdog": (sys.executable, "catdog", words)}
    for threads in sorted({1, CORES}):
        sides[f"ImageRecordIter, {threads}"] = (sys.executable, "mxnet", {**words, "threads": threads})
    if arguments.torch_python:
        for memory in (False, True):
            for workers in (0, CORES):
                name = f"DataLoader{' in memory' if memory else ''}, {workers}"
                more = {"workers": workers, "memory": memory}
                sides[name] = (arguments.torch_python, "torch", {**words, **more})
    rates: dict[str, list[float]] = {name: [] for name in sides}
    costs: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.rounds):
        for name, (python, side, given) in sides.items():
            found = alone(python, side, **given)
            rates[name].append(found["batches"] / found["seconds"])
            costs[name].append(found["processor"] / found["batches"])
    print(f"\n{kind}, {size} pixels, batches of {arguments.batch}, {CORES} cores, medians of {arguments.rounds} rounds")
    print(f"{'':<25} batches/s  processor ms/batch  cores had")
    for name in sides:
        rate, cost = (statistics.median(found[name]) for found in (rates, costs))
        print(f"{name:<25} {rate:>9,.0f} {1000 * cost:>19.2f} {rate * cost:>10.2f}")
    for peer in ("ImageRecordIter, ", "DataLoader, ", "DataLoader in memory, "):
        if theirs := [name for name in sides if name.startswith(peer)]:
            faster = max(theirs, key=lambda name: statistics.median(rates[name]))
            cheaper = min(theirs, key=lambda name: statistics.median(costs[name]))
            in_rate = ratio(rates["catdog"], rates[faster])
            in_cost = ratio(costs[cheaper], costs["catdog"])
            print(f"RATIO {in_rate:.1f} × {peer[:-2]} in batches/s, {in_cost:.1f} × in processor time", flush=True)


def ratio(ones: list[float], others: list[float]) -> float:
    """The median of the ratios, round by round."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def share(root: Path, folder: Path) -> None:
    found = alone(sys.executable, "share", root=str(root), folder=str(folder))
    parts = {name: statistics.median(values) for name, values in found.items()}
    print(
        f"\nthe default network, 32 pixels, augment=basic: an epoch trains for {parts['seconds']:.2f} s, of which it "
        f"waits for batches {parts['waited'] / parts['seconds']:.1%}, and their thread computes "
        f"{parts['computed'] / parts['seconds']:.1%}: together {parts['both']:.1%}"
    )


def alone(python: str, side: str, **words: Any) -> dict[str, Any]:
    """A measurement in a process of its own."""
    command = [python, __file__, "--measure", json.dumps([side, words])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measured(epochs: Iterator[Iterator[Any]], batch: int) -> dict[str, float]:
    """Full batches over whole epochs after the first, and the wall and processor time that they took, in seconds."""
    sum(1 for _ in next(epochs))
    count, start, processor = 0, time.perf_counter(), processor_time()
    while (seconds := time.perf_counter() - start) < SECONDS:
        count += sum(1 for squares in next(epochs) if len(squares) == batch)
    return {"batches": count, "seconds": seconds, "processor": processor_time() - processor}


def processor_time() -> float:
    """Of this process and its workers, which live on, in seconds."""
    ticks = 0
    for worker in multiprocessing.active_children():
        words = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(words[11]) + int(words[12])  # user and system time: proc(5)
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def catdog(place: str, size: int, batch: int, kind: str) -> dict[str, float]:
    from catdog_exp.batches.batches import train_batches
    from catdog_exp.batches.shared import read_decoded
    from catdog_exp.schema import AugmentConfig

    colour = {"brightness": JITTER, "contrast": JITTER, "saturation": JITTER}
    augment = AugmentConfig(random_crop=True, pad=PAD, flip="random", **colour)
    if kind == KINDS[1]:
        cut = {"scale": list(AREA), "aspect": list(ASPECT), "rotation": float(DEGREES)}
        augment = AugmentConfig(random_crop=True, flip="random", **colour, **cut)
    pictures = read_decoded(Path(place) / "decoded" / "train", size)

    def epochs() -> Iterator[Iterator[Any]]:
        epoch = 0
        while epoch := epoch + 1:
            yield (squares for squares, _ in train_batches(pictures, augment, 2, batch, seed=0, epoch=epoch))

    return measured(epochs(), batch)


def mxnet(place: str, size: int, batch: int, kind: str, threads: int) -> dict[str, float]:
    from catdog_exp.threads import use_threads

    use_threads(CORES)
    from catdog_exp.mx import mx

    cut: dict[str, Any] = {"rand_crop": True, "pad": PAD}
    if kind == KINDS[1]:
        cut = {"random_resized_crop": True, "min_random_area": AREA[0], "max_random_area": AREA[1]}
        cut |= {"min_aspect_ratio": ASPECT[0], "max_aspect_ratio": ASPECT[1], "max_rotate_angle": DEGREES}
    batches = mx.io.ImageRecordIter(
        path_imgrec=f"{place}/train_file.rec",
        path_imgidx=f"{place}/train_file.idx",
        data_shape=(3, size, size),
        batch_size=batch,
        shuffle=True,
        preprocess_threads=threads,
        rand_mirror=True,
        brightness=JITTER,
        contrast=JITTER,
        saturation=JITTER,
        ctx="cpu",
        verbose=False,
        **cut,
    )

    def epochs() -> Iterator[Iterator[Any]]:
        while True:
            batches.reset()
            yield (squares for each in batches for squares in each.data if squares.wait_to_read() is None)

    return measured(epochs(), batch)


def torch(place: str, size: int, batch: int, kind: str, workers: int, memory: bool) -> dict[str, float]:
    import torch
    from torch.utils.data import DataLoader, Dataset
    from torchvision.io import ImageReadMode, decode_jpeg, read_file
    from torchvision.transforms import v2

    cut = [v2.RandomCrop(size, padding=PAD, padding_mode="reflect")]
    if kind == KINDS[1]:
        cut = [v2.RandomRotation(DEGREES), v2.RandomResizedCrop(size, AREA, ASPECT, antialias=False)]
    augment = v2.Compose([*cut, v2.RandomHorizontalFlip(), v2.ColorJitter(JITTER, JITTER, JITTER)])
    files = sorted((Path(place) / "files").iterdir())

    def decoded(file: Path) -> Any:
        return decode_jpeg(read_file(str(file)), ImageReadMode.RGB)

    class Pictures(Dataset):  # type: ignore[type-arg]
        def __init__(self) -> None:
            self.kept = [decoded(file) for file in files] if memory else None

        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, index: int) -> Any:
            picture = self.kept[index] if self.kept is not None else decoded(files[index])
            return augment(picture), int(files[index].name[0])

    torch.set_num_threads(1)  # pictures of this size are worked on one by one: more threads only get in the way
    lasting = {"persistent_workers": True} if workers else {}
    loader = DataLoader(Pictures(), batch, shuffle=True, num_workers=workers, drop_last=True, **lasting)

    def epochs() -> Iterator[Iterator[Any]]:
        while True:
            yield (squares for squares, _ in loader)

    return measured(epochs(), batch)


def loader_share(root: str, folder: str) -> dict[str, list[float]]:
    """Seconds of each epoch but the first: its training, its waiting for batches, their thread's computing."""
    from catdog_exp import cli
    from catdog_exp.batches import batches, epoch

    times: dict[str, list[float]] = {"seconds": [], "waited": [], "computed": []}
    made_ahead, batch = batches.made_ahead, epoch.AugmentedEpoch.batch

    def timed(items: Iterator[Any]) -> Iterator[Any]:
        for of_kind in times.values():
            of_kind.append(0)
        started = time.perf_counter()
        coming = made_ahead(items)
        while True:
            asked = time.perf_counter()
            item = next(coming, None)
            times["waited"][-1] += time.perf_counter() - asked
            if item is None:
                break
            yield item
        times["seconds"][-1] = time.perf_counter() - started

    def timed_batch(*words: Any) -> Any:
        started = time.thread_time()
        made = batch(*words)
        times["computed"][-1] += time.thread_time() - started
        return made

    batches.made_ahead = timed  # type: ignore[assignment]
    epoch.AugmentedEpoch.batch = timed_batch  # type: ignore[method-assign,assignment]
    sys.argv = ["catdog", *settings(Path(root), Path(folder)), f"train.epochs={EPOCHS}", "stages=[pack,train]"]
    if ended := cli.main():
        sys.exit(ended)
    later = {name: values[1:] for name, values in times.items()}
    both = [(waited + computed) / seconds for seconds, waited, computed in zip(*later.values(), strict=True)]
    return {**later, "both": both}


SIDES = {"catdog": catdog, "mxnet": mxnet, "torch": torch, "share": loader_share}

if __name__ == "__main__":
    main()
