"""Packing against `im2rec.py`, which ships with MXNet: the same photographs, size and quality, in turn.

    uv run python benchmarks/pack.py [--rounds 5] [--sizes 32 64 128]
    uv run python benchmarks/pack.py --generated 100000

Needs the 2,000 training photographs of cats_and_dogs_filtered, in the folder that CATDOG_REAL_DATA names, or in
../shared/data beside this repository. Every measurement is a process of its own, which counts only the stage that
makes the records: no start of Python, no imports, no look for pictures. The limit is libjpeg's Huffman decoding alone:
the same files, from memory, decoded at an eighth of their size, and nothing done with them.

Of each side the number of threads or processes counts that is best, in pictures/s and in processor time. Look at "cores
had": while others compute on the same machine, whoever has more processes gets more of it, and only the processor
times can be compared.

`--generated` packs that many drawn pictures, and 2,000 of them for comparison, with the peak of memory.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import resource
import runpy
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, set_start_method
from pathlib import Path

import cv2
import numpy as np

from catdog_exp.packs.lst_files import Entry, read_list, write_list
from catdog_exp.packs.writer import pack_split
from catdog_exp.sources.synthetic.drawing import draw

REPOSITORY = Path(__file__).resolve().parents[1]
QUALITY = 95
CORES = len(os.sched_getaffinity(0))
THREADS = (CORES, 16)  # as many as cores, and data.threads unless it is set
PROCESSES = (1, 2, 3, 4)  # of im2rec
FEW = 2_000  # pictures that the rate for many is compared with
DRAWN = 500  # pictures drawn; the others differ from them in a comment
MEMORY_ALLOWED = 600  # MB


@dataclass
class Cost:
    """Of one measurement: wall and processor time in seconds; the process's peak of resident memory in MB."""

    seconds: float = 0
    processor: float = 0
    peak: float = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 128], metavar="PIXELS")
    parser.add_argument("--generated", type=int, metavar="COUNT")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.generated:
            many(Path(folder), arguments.generated, arguments.rounds)
        else:
            against_im2rec(Path(folder), arguments.sizes, arguments.rounds)


def against_im2rec(folder: Path, sizes: Sequence[int], rounds: int) -> None:
    root = photographs()
    entries = listed(root)
    write_list(folder / "pictures.lst", entries)
    print(f"{len(entries):,} photographs, quality {QUALITY}, {CORES} cores, medians of {rounds} rounds")
    for size in sizes:
        kinds = {"limit": partial(alone, decode_eighths, root, folder)}
        for threads in THREADS:
            kinds[f"catdog, {threads}"] = partial(alone, pack, root, folder, size, threads)
        for processes in PROCESSES:
            kinds[f"im2rec, {processes}"] = partial(alone, im2rec, root, folder, size, processes)
        costs: dict[str, list[Cost]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            for kind, measure in kinds.items():
                costs[kind].append(measure())
        table(size, len(entries), costs)


def table(size: int, count: int, costs: dict[str, list[Cost]]) -> None:
    seconds = {kind: statistics.median(cost.seconds for cost in of_kind) for kind, of_kind in costs.items()}
    processor = {kind: statistics.median(cost.processor for cost in of_kind) for kind, of_kind in costs.items()}
    print(f"\nshort edge {size:<4} pictures/s  processor µs/picture  cores had")
    for kind in costs:
        print(
            f"{kind:<15} {count / seconds[kind]:>10,.0f} {1e6 * processor[kind] / count:>21,.0f} "
            f"{processor[kind] / seconds[kind]:>10.2f}"
        )
    ratios, shares = [], []
    for what in (seconds, processor):
        limit, ours, theirs = (
            min(value for kind, value in what.items() if kind.startswith(side))
            for side in ("limit", "catdog", "im2rec")
        )
        ratios.append(theirs / ours)
        shares.append(limit / ours)
    print(
        f"RATIO {ratios[0]:.2f} × im2rec in pictures/s, {ratios[1]:.2f} × in processor time; "
        f"{shares[0]:.0%} of the limit in pictures/s, {shares[1]:.0%} in processor time",
        flush=True,
    )


def many(folder: Path, count: int, rounds: int) -> None:
    root = folder / "generated"
    entries = generated(root, count)
    for name, listing in (("few", entries[:FEW]), ("many", entries)):
        (folder / name).mkdir()
        write_list(folder / name / "pictures.lst", listing)
    # Half of the small measurements before the large one, half behind it: others use the machine, too.
    few = [alone(pack, root, folder / "few", 32, CORES) for _ in range(rounds)]
    large = alone(pack, root, folder / "many", 32, CORES)
    few += [alone(pack, root, folder / "few", 32, CORES) for _ in range(rounds)]
    seconds = statistics.median(cost.seconds for cost in few) / FEW
    processor = statistics.median(cost.processor for cost in few) / FEW
    print(f"{'pictures':>10} pictures/s  processor µs/picture  peak MB")
    peak = statistics.median(cost.peak for cost in few)
    print(f"{FEW:>10,} {1 / seconds:>10,.0f} {1e6 * processor:>21.0f} {peak:>8.0f}")
    print(
        f"{count:>10,} {count / large.seconds:>10,.0f} {1e6 * large.processor / count:>21.0f} {large.peak:>8.0f}\n"
        f"RATIO {seconds * count / large.seconds:.2f} in pictures/s, {processor * count / large.processor:.2f} in "
        f"processor time; {large.peak / MEMORY_ALLOWED:.2f} of the {MEMORY_ALLOWED} MB allowed"
    )


def photographs() -> Path:
    """The folder of the training photographs; ends the program where there is none."""
    root = Path(os.environ.get("CATDOG_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    root = root / "cats_and_dogs_filtered" / "train"
    if not root.is_dir():
        sys.exit(f"not measured: there are no photographs in {root}; CATDOG_REAL_DATA names another folder")
    return root


def listed(root: Path) -> list[Entry]:
    classes = sorted(folder.name for folder in root.iterdir() if folder.is_dir())
    paths = sorted(path.relative_to(root) for path in root.glob("*/*.jpg"))
    random.Random(0).shuffle(paths)
    return [Entry(index, classes.index(path.parts[0]), path.as_posix()) for index, path in enumerate(paths)]


def generated(root: Path, count: int) -> list[Entry]:
    """Drawn pictures, each file with a comment of its own."""
    root.mkdir()
    entries = [Entry(index, index % 2, f"{index}.jpg") for index in range(count)]
    drawn = [draw(index % 2, 0, index) for index in range(DRAWN)]
    for entry in entries:
        comment = f"number {entry.index}".encode()
        jpeg = drawn[entry.index % DRAWN]
        segment = b"\xff\xfe" + struct.pack(">H", 2 + len(comment)) + comment
        (root / entry.path).write_bytes(jpeg[:2] + segment + jpeg[2:])
    return entries


def alone(measure: Callable[..., Cost], *arguments: object) -> Cost:
    """`measure` in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


@contextmanager
def measured() -> Iterator[Cost]:
    cost = Cost()
    processor, start = _processor(), time.perf_counter()
    yield cost
    cost.seconds, cost.processor = time.perf_counter() - start, _processor() - processor
    cost.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _processor() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def pack(root: Path, folder: Path, size: int, threads: int) -> Cost:
    entries = read_list(folder / "pictures.lst")
    with quiet(), measured() as cost:
        _, rejected = pack_split(entries, root, folder / "catdog", resize=size, quality=QUALITY, threads=threads)
    if rejected:
        raise RuntimeError(f"not measured: {rejected[0]} was left out")
    return cost


def im2rec(root: Path, folder: Path, size: int, processes: int) -> Cost:
    from catdog_exp.mx import mx

    np.bool = bool  # type: ignore[attr-defined]  # which NumPy 1.24 dropped
    set_start_method("fork", force=True)  # as it has it where it is started by hand; inherited is "spawn"
    tool = f"{mx.__path__[0]}/tools/im2rec.py"
    settings = {"resize": size, "quality": QUALITY, "num-thread": processes}
    options = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    sys.argv = [tool, *options, str(folder / "pictures"), str(root)]
    with quiet(), measured() as cost:
        runpy.run_path(tool, run_name="__main__")
    gc.collect()  # it does not close its files itself
    made = (folder / "pictures.idx").read_text().count("\n")
    if made != len(read_list(folder / "pictures.lst")):
        raise RuntimeError(f"not measured: im2rec made {made} records")
    return cost


def decode_eighths(root: Path, folder: Path) -> Cost:
    files = [np.fromfile(root / entry.path, np.uint8) for entry in read_list(folder / "pictures.lst")]
    cv2.setNumThreads(1)

    def decode(start: int) -> None:
        for file in files[start : start + 50]:
            cv2.imdecode(file, cv2.IMREAD_REDUCED_COLOR_8)

    with measured() as cost, ThreadPoolExecutor(CORES) as pool:
        list(pool.map(decode, range(0, len(files), 50)))
    return cost


@contextmanager
def quiet() -> Iterator[None]:
    """What is printed goes nowhere: neither side is to be slowed down by a terminal."""
    sys.stdout.flush()
    before = [os.dup(stream) for stream in (1, 2)]
    with Path(os.devnull).open("w") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        for stream, was in zip((1, 2), before, strict=True):
            os.dup2(was, stream)
            os.close(was)


if __name__ == "__main__":
    main()
