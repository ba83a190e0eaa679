"""Pictures that a training step gets through per second, against PyTorch on the same processor.

    uv venv --python 3.11 TORCH && uv pip install -p TORCH torch==2.13.*
    uv run python benchmarks/train_throughput.py --torch-python TORCH/bin/python [--turns 3] [--seconds 4] [--profile]

The same architecture, first weights, pictures, batch and optimizer on both sides: PyTorch with channels_last, with one
thread and with two, whichever is faster. Each measurement is a process of its own, which counts after five steps; both
sides take turns, and a row's ratio is the median of its turns'. Numbers of parameters must be equal, and the first
step's loss must agree (on slices as ours: catdog normalizes each slice of a batch by itself, PyTorch the whole batch).

Look at "cores had": while others compute on the same machine, threads that wait for each other wait for them too. Only
the second ratio can be compared then, of the processor times per picture (PyTorch's is the lesser of its two).

`--profile` sums oneDNN's primitives on both sides: what a step's processor time goes to.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from peers.step import MOMENTUM, RATE, batch, first_weights, measure

PEER = Path(__file__).with_name("peers") / "torch_step.py"
THREADS = (1, 2)  # of PyTorch
SECONDS_PROFILED = 2.0
PRIMITIVES_SHOWN = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", type=Path, help="of the environment that has PyTorch")
    parser.add_argument("--networks", nargs="+", choices=["cnn", "resnet"], default=["cnn", "resnet"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64], metavar="PIXELS")
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 256], metavar="COUNT")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--ours", nargs=3, help=argparse.SUPPRESS)  # a process that measures this side
    arguments = parser.parse_args()
    if arguments.ours:
        name, size, count = arguments.ours
        print(json.dumps(ours(name, int(size), int(count), arguments.seconds)))
        return
    if arguments.torch_python is None:
        parser.error("--torch-python: name the Python of an environment that has PyTorch")
    columns = ("catdog", *(f"PyTorch, {threads}" for threads in THREADS))
    print(f"{'pictures/s (cores had)':<23}{''.join(f'{column:>17}' for column in columns)}   RATIO   processor time")
    for name in arguments.networks:
        for size in arguments.sizes:
            for count in arguments.batches:
                row(arguments, name, size, count)


def row(arguments: argparse.Namespace, name: str, size: int, count: int) -> None:
    """Measure, check and print one row."""
    found: dict[int, list[dict[str, float]]] = defaultdict(list)  # by PyTorch's number of threads; 0: ours
    for _ in range(arguments.turns):
        for threads in (0, *THREADS):
            command, settings = side(arguments, threads, name, size, count, arguments.seconds)
            found[threads].append(json.loads(output(command, settings).splitlines()[-1]))
    rates, processor, cores = (
        {threads: [run[what] for run in runs] for threads, runs in found.items()}
        for what in ("images_per_second", "processor", "cores")
    )
    medians = {threads: statistics.median(of_side) for threads, of_side in rates.items()}
    best = max(THREADS, key=lambda threads: medians[threads])
    least = min(THREADS, key=lambda threads: statistics.median(processor[threads]))
    ratio = statistics.median(own / peer for own, peer in zip(rates[0], rates[best], strict=True))
    thrift = statistics.median(peer / own for own, peer in zip(processor[0], processor[least], strict=True))
    shown = "".join(
        f"{medians[threads]:>10,.0f} ({statistics.median(cores[threads]):.2f})" for threads in (0, *THREADS)
    )
    print(f"{name:<7}{size:>3} px, batch {count:<4}{shown}   {ratio:>5.2f}   {thrift:>14.2f}", flush=True)
    check(found[0][0], found[1][0])
    if arguments.profile:
        for title, threads in (("catdog", 0), (f"PyTorch, {best}", best)):
            command, settings = side(arguments, threads, name, size, count, SECONDS_PROFILED)
            profile(title, output(command, {**settings, "DNNL_VERBOSE": "1"}), count)


def side(
    arguments: argparse.Namespace, threads: int, name: str, size: int, count: int, seconds: float
) -> tuple[list[str], dict[str, str]]:
    """A command that measures one side, and the environment variables it needs. threads: PyTorch's, 0: ours."""
    words = [name, str(size), str(count)]
    if threads:
        return [str(arguments.torch_python), str(PEER), *words, str(threads), str(seconds)], {}
    return [sys.executable, __file__, "--seconds", str(seconds), "--ours", *words], {}


def output(command: list[str], settings: dict[str, str]) -> str:
    return subprocess.run(command, env={**os.environ, **settings}, check=True, stdout=subprocess.PIPE, text=True).stdout


def check(own: dict[str, float], peer: dict[str, float]) -> None:
    """End the program unless both sides compute the same."""
    if own["parameters"] != peer["parameters"] or abs(own["loss"] - peer["loss"]) > 1e-3 * abs(peer["loss"]):
        sys.exit(f"the two networks are not the same: {own} and {peer}")


def profile(title: str, verbose: str, count: int) -> None:
    """Print the processor time per picture by oneDNN primitive, its implementation and direction."""
    *lines, result = verbose.splitlines()
    measured = json.loads(result)
    shapes: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for line in lines:
        words = line.split(",")
        if "exec" in words:
            first = words.index("exec") + 2  # what comes before differs between versions of oneDNN
            shapes[(*words[first : first + 3], words[-2])].append(float(words[-1]))
    times: dict[tuple[str, ...], float] = defaultdict(float)
    for names, of_shape in shapes.items():  # the median, since a first call also compiles
        spent = 1000 * statistics.median(of_shape) * len(of_shape)
        times[names[:3]] += spent / (measured["steps"] * count)
    print(f"  {title}: {measured['processor']:,.0f} µs per picture, of it in oneDNN {sum(times.values()):,.0f}:")
    for names, spent in sorted(times.items(), key=lambda item: -item[1])[:PRIMITIVES_SHOWN]:
        print(f"  {spent:>9.1f}  {' '.join(names)}", flush=True)


def ours(name: str, size: int, count: int, seconds: float) -> dict[str, float]:
    """Number of parameters, first loss, and rate of this program's training step."""
    from catdog_exp.mx import mx, side_by_side
    from catdog_exp.networks.cnn import Cnn
    from catdog_exp.networks.parameters import named_parameters
    from catdog_exp.networks.resnet import ResNet
    from catdog_exp.training.distributed.process_group import ProcessGroup
    from catdog_exp.training.optimizers import Sgd
    from catdog_exp.training.replicas import Replicas, slices_of
    from catdog_exp.training.updater import Updater

    network = {
        "cnn": Cnn(layers=4, width=32, dense=[128], batch_norm=True, dropout=0.0),
        "resnet": ResNet(layers=20, width=16, dropout=0.0),
    }[name]
    block = network.build(size, 2)
    block.initialize()
    block(mx.nd.zeros((1, 3, size, size)))
    own = {key: found.shape for key, found in named_parameters(block).items() if found.grad_req != "null"}
    weights = zip(own, first_weights(list(own.values())), strict=True)
    given = {key: values for key, values in weights if values is not None}
    contexts = side_by_side(mx.cpu(), slices_of(count, block))
    replicas = Replicas(network, size, np.ones(2, np.float32), contexts, len(contexts), given, [], "float32")
    updater = Updater(replicas, Sgd(momentum=MOMENTUM, nesterov=False, weight_decay=0.0), None, None, ProcessGroup())
    pictures, labels = batch(count, size)
    pictures = pictures.transpose(0, 3, 1, 2).copy()
    targets = np.eye(2, dtype=np.float32)[labels]
    unread: list[list[Any]] = []

    def step() -> None:
        unread.append(replicas.gradients(pictures, targets))
        updater.add()
        updater.step(RATE, count)
        if len(unread) > 1:  # a step late, as the training loop reads
            read()

    def read() -> float:
        return sum(float(of_slice.asnumpy().ravel()[0]) for of_slice in unread.pop(0)) / count

    step()
    first_loss = read()
    measured = measure(step, mx.nd.waitall, count, seconds)
    return {"parameters": sum(int(np.prod(shape)) for shape in own.values()), "loss": first_loss, **measured}


if __name__ == "__main__":
    main()
