"""Pictures that a network answers about per second: ONNX Runtime against MXNet and PyTorch, and behind HTTP.

    uv venv --python 3.11 TORCH && uv pip install -p TORCH torch==2.13.* numpy
    uv run python benchmarks/serve.py --torch-python TORCH/bin/python [--turns 3] [--seconds 3] [--clients 4]

The same network, weights and pictures on all sides, which must give the same probabilities: the ONNX file as `catdog
export` writes it, MXNet as `catdog predict` uses it (convolutions fused), PyTorch in inference mode with channels_last.
One thread each, one picture at a time and batches of 64. Each measurement is a process of its own, sides take turns,
and a row's figures are the medians of its turns. Where others compute on the same machine, compare processor times.

Then the server, as `catdog serve` starts it: so many clients ask at once, each for one photograph-sized JPEG after the
other on a connection of its own, for some seconds: requests per second, and how long they took.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from peers.step import batch, measure

PEER = Path(__file__).with_name("peers") / "torch_answers.py"
SIDES = ("onnx", "mxnet", "torch")
CHECKED = 8  # pictures that all sides must agree on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", type=Path, help="of the environment that has PyTorch")
    parser.add_argument("--networks", nargs="+", choices=["cnn", "resnet"], default=["cnn", "resnet"])
    parser.add_argument("--size", type=int, default=64, metavar="PIXELS")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64], metavar="COUNT")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1, help="of the server")
    parser.add_argument("--side", nargs=3, help=argparse.SUPPRESS)  # a process that measures one of ours
    parser.add_argument("--server", nargs=2, help=argparse.SUPPRESS)  # a process that is the server
    arguments = parser.parse_args()
    if arguments.side:
        side, folder, count = arguments.side
        print(json.dumps(ours(side, Path(folder), int(count), arguments.seconds)))
        return
    if arguments.server:
        from catdog_exp.tracking.serving import serve_model

        folder, port = arguments.server
        serve_model(Path(folder), "the network", "127.0.0.1", int(port), arguments.workers)
        return
    if arguments.torch_python is None:
        parser.error("--torch-python: name the Python of an environment that has PyTorch")
    with tempfile.TemporaryDirectory() as place:
        titles = ("ONNX Runtime", "MXNet", "PyTorch", "to MXNet", "to PyTorch", "proc. time", "proc. time")
        print(f"{'pictures/s, one thread':<26}{''.join(f'{title:>14}' for title in titles)}")
        for name in arguments.networks:
            folder = Path(place) / name
            make(name, arguments.size, folder)
            for count in arguments.batches:
                row(arguments, name, folder, count)
        served(arguments, Path(place) / arguments.networks[0] / "model")


def make(name: str, size: int, folder: Path) -> None:
    """The network with drawn weights: a checkpoint, an MLflow model, and the weights as the peer reads them."""
    from catdog_exp.inference.classifier import Classifier
    from catdog_exp.inference.served_model import save_model
    from catdog_exp.mx import mx
    from catdog_exp.networks.cnn import Cnn
    from catdog_exp.networks.parameters import named_parameters
    from catdog_exp.networks.resnet import ResNet
    from catdog_exp.training.checkpoint import Checkpoint, save_checkpoint

    folder.mkdir()
    cnn = Cnn(layers=4, width=32, dense=[128], batch_norm=True, dropout=0.2)
    network = cnn if name == "cnn" else ResNet(layers=20, width=16, dropout=0.0)
    block = network.build(size, 2)
    block.initialize(mx.init.Xavier(magnitude=1))
    block(mx.nd.zeros((1, 3, size, size)))
    parameters = {key: own.data().asnumpy() for key, own in named_parameters(block).items()}
    about: dict[str, Any] = {"classes": ["cat", "dog"], "size": size, "epoch": 1, "metrics": {}, "seed": 0}
    about |= {"objective": "val/accuracy", "mirrored": False, "pack": "", "learned": "", "validated": "", "quality": 95}
    checkpoint = Checkpoint(network=network, complete=True, parameters=parameters, **about)
    save_checkpoint(folder / "best.safetensors", checkpoint)
    np.savez(folder / "weights.npz", **{f"{number:03}": values for number, values in enumerate(parameters.values())})
    classifier = Classifier.load(folder / "best.safetensors")
    save_model(folder / "model", classifier, batch(4, size)[0], "none", "drawn", {})


def ours(side: str, folder: Path, count: int, seconds: float) -> dict[str, Any]:
    """The measurement of ONNX Runtime or of MXNet."""
    size = json.loads((folder / "model" / "artifacts" / "network.json").read_text())["size"]
    pictures = batch(max(count, CHECKED), size)[0]
    if side == "onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(folder / "model" / "artifacts" / "network.onnx", options)

        def answer(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
            pixels = crops.transpose(0, 3, 1, 2).astype(np.float32)
            found: NDArray[np.float32] = session.run(["probabilities"], {"pixels": pixels})[0]
            return found
    else:
        from catdog_exp.inference.classifier import Classifier

        answer = Classifier.load(folder / "best.safetensors").probabilities

    def step() -> None:
        answer(pictures[:count])

    found = answer(pictures[:CHECKED])[:, 1].tolist()
    return {**measure(step, lambda: None, count, seconds), "answers": found}


def row(arguments: argparse.Namespace, name: str, folder: Path, count: int) -> None:
    turns: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(arguments.turns):
        for side in SIDES:
            words = [sys.executable, __file__, "--seconds", arguments.seconds, "--side", side, folder, count]
            if side == "torch":
                words = [arguments.torch_python, PEER, name, folder, arguments.size, count, arguments.seconds]
            done = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True)
            turns[side].append(json.loads(done.stdout))
    for side in SIDES:
        np.testing.assert_allclose(turns[side][0]["answers"], turns["mxnet"][0]["answers"], atol=1e-4)
    speed, work = (
        {side: statistics.median(turn[key] for turn in turns[side]) for side in SIDES}
        for key in ("images_per_second", "processor")
    )
    cells = [f"{speed[side]:,.0f}" for side in SIDES]
    cells += [f"{speed['onnx'] / speed[side]:.2f}" for side in SIDES[1:]]
    cells += [f"{work[side] / work['onnx']:.2f}" for side in SIDES[1:]]
    print(
        f"{f'{name} {arguments.size} px, batch of {count}':<26}{''.join(f'{cell:>14}' for cell in cells)}", flush=True
    )


def served(arguments: argparse.Namespace, model: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, __file__, "--workers", str(arguments.workers), "--server", str(model), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert "answers at" in server.stdout.readline()
        draw = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
        _, jpeg = cv2.imencode(".jpg", cv2.resize(draw, (500, 375), interpolation=cv2.INTER_CUBIC))
        body = json.dumps({"inputs": [base64.b64encode(jpeg.tobytes()).decode()]})
        client(port, body, 1.0)  # that does not count
        with ThreadPoolExecutor(arguments.clients) as pool:
            start = time.perf_counter()
            every = list(pool.map(lambda _: client(port, body, 3 * arguments.seconds), range(arguments.clients)))
            wall = time.perf_counter() - start
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
    took = np.array([seconds for each in every for seconds in each]) * 1e3
    print(
        f"server, {arguments.workers} worker, {arguments.clients} clients, JPEG of {len(jpeg) / 1e3:.0f} kB: "
        f"{len(took) / wall:,.0f} requests/s; p50 {np.percentile(took, 50):.0f} ms, "
        f"p99 {np.percentile(took, 99):.0f} ms (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    )


def client(port: int, body: str, seconds: float) -> list[float]:
    """Ask again and again. Returns how long each answer took, seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    last, took = time.perf_counter() + seconds, []
    while time.perf_counter() < last:
        start = time.perf_counter()
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        took.append(time.perf_counter() - start)
    return took


if __name__ == "__main__":
    main()
