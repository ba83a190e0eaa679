"""Several processes train one network: as one process would, and they end together when one is gone."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from catdog_exp.mx import mx
from catdog_exp.training.checkpoint import load_checkpoint
from catdog_exp.training.distributed import process_group
from catdog_exp.training.distributed.process_group import ProcessGroup

COMMAND = Path(sys.executable).with_name("catdog")
# Without dropout, whose draws no two processes share, nothing but rounding tells workers from one process.
ROOM = process_group.ROOM
WORDS = [
    *("data.source.count=300", "data.resize=16", "model.width=4", "model.layers=2", "model.dropout=0"),
    *("train.average=0.9", "train.clip=1", "train.mirrored=true", "train.epochs=3", "stages=[pack,train]"),
    "train.class_weights=[1,3]",
]
LAST = "outputs/runs/*/*/checkpoints/last.safetensors"


def in_processes(test):
    return pytest.mark.slow(pytest.mark.service(pytest.mark.timeout(900)(test)))


class Sums:
    """A kvstore of so many workers, each a thread."""

    def __init__(self, workers: int) -> None:
        self.total, self.lock, self.barrier = 0, threading.Lock(), threading.Barrier(workers)

    def push(self, _key, array) -> None:
        with self.lock:
            self.total = self.total + array.asnumpy()
        self.barrier.wait(20)

    def pull(self, _key, out) -> None:
        out[:] = mx.nd.array(self.total)
        if self.barrier.wait(20) == 0:
            self.total = 0
        self.barrier.wait(20)


@pytest.mark.parametrize("lengths", [(0, 0, 0), (1, 2, 0), (5, 2 * ROOM - 8, 2 * ROOM - 7), (0, 7 * ROOM + 3, 1)])
def test_what_each_gives_comes_whole_to_all(lengths, monkeypatch):
    given = [os.urandom(length) for length in lengths]
    monkeypatch.setattr(ProcessGroup, "check", lambda _: None)
    store = Sums(len(given))
    found: dict[int, list[bytes]] = {}

    def work(rank: int) -> None:
        group = ProcessGroup(rank, len(given))
        group.store = store
        found[rank] = group.exchange(given[rank])

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(len(given))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == dict.fromkeys(range(len(given)), given)


@pytest.fixture
def environment():
    return {key: value for key, value in os.environ.items() if not key.startswith(("CATDOG_", "MLFLOW_", "OMP_"))}


@pytest.fixture
def start(tmp_path, environment):
    """Starts the workers of one training; all that was started is ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def two(*words: str, second: Sequence[str] = (), tracking: str = "none") -> list[subprocess.Popen[str]]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = str(server.getsockname()[1])
        of_all = [*WORDS, "hardware.batch_size=32", f"tracking={tracking}", *words]
        place = {"DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_PS_ROOT_PORT": port, "DMLC_NUM_WORKER": "2"}
        pair = [
            subprocess.Popen(
                [COMMAND, *of_all, *own],
                cwd=tmp_path,
                env={**environment, **place, "DMLC_WORKER_ID": str(rank)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for rank, own in enumerate(([], second))
        ]
        started.extend(pair)
        return pair

    yield two
    for process in started:
        process.kill()
        process.communicate()


def alone(folder: Path, environment: dict[str, str], *words: str) -> None:
    folder.mkdir(exist_ok=True)
    command = [COMMAND, *WORDS, "hardware.batch_size=64", "tracking=none", *words]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=200)


def trained(folder: Path):
    return load_checkpoint(sorted(folder.glob(LAST))[-1])


def servers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that worker 0 has started for MXNet."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if b"catdog_exp.mx" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_alive(process: int) -> bool:
    command = Path(f"/proc/{process}/cmdline")
    return command.exists() and command.read_bytes() != b""  # one that has ended but is not waited for has none


@in_processes
def test_two_workers_train_what_one_process_trains_with_the_doubled_batch(tmp_path, environment, start):
    alone(tmp_path / "alone", environment)
    said = [worker.communicate(timeout=200)[0] for worker in start(tracking="mlflow")]
    found, expected = trained(tmp_path), trained(tmp_path / "alone")
    for name, values in expected.parameters.items():
        np.testing.assert_allclose(found.parameters[name], values, rtol=1e-3, atol=1e-4, err_msg=name)
    assert found.metrics == pytest.approx(expected.metrics, rel=1e-3)
    digest = re.search(r"params_sha256 (\w{64})", said[1])
    assert digest is not None
    assert digest[1] in (tmp_path / "outputs" / "mlflow.db").read_bytes().decode("latin-1")


def wait_for_epoch(folder: Path, number: int, workers: list[subprocess.Popen[str]]) -> None:
    last = time.monotonic() + 240
    while not list(folder.glob(f"outputs/unfinished/*/state-{number:06d}-*")):
        assert time.monotonic() < last
        assert all(worker.poll() is None for worker in workers), workers[0].communicate()[0]
        time.sleep(0.02)


@in_processes
def test_the_first_worker_s_kill_ends_the_other_and_the_same_commands_go_on(tmp_path, start):
    many = "train.epochs=40"
    workers = start(many)
    wait_for_epoch(tmp_path, 2, workers)
    servers = servers_of(workers[0])
    assert len(servers) == 2
    workers[0].send_signal(signal.SIGKILL)
    said, _ = workers[1].communicate(timeout=120)
    assert workers[1].returncode == 1
    lines = [line for line in said.splitlines() if line.startswith("catdog: ")]
    assert lines == [
        "catdog: worker 0 is gone (Connection refused): this one ends too; start all with the same commands to go on"
    ]
    assert "Traceback" not in said
    last = time.monotonic() + 20
    while [server for server in servers if is_alive(server)]:
        assert time.monotonic() < last
        time.sleep(0.05)

    again = start(many)
    said = [worker.communicate(timeout=300)[0] for worker in again]
    assert [worker.returncode for worker in again] == [0, 0], said
    assert all("going on after epoch" in word for word in said)
    reference = tmp_path / "reference"
    reference.mkdir()
    whole = start(many, "paths.outputs=reference/outputs")
    assert [(worker.communicate(timeout=300), worker.returncode)[1] for worker in whole] == [0, 0]
    found, expected = trained(tmp_path), trained(reference)
    assert {name: values.tobytes() for name, values in found.parameters.items()} == {
        name: values.tobytes() for name, values in expected.parameters.items()
    }


@in_processes
def test_a_worker_that_is_ended_ends_both(tmp_path, start):
    workers = start("train.epochs=100000")
    wait_for_epoch(tmp_path, 1, workers)
    workers[0].send_signal(signal.SIGTERM)
    said = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [143, 1]
    assert "catdog: terminated" in said[0]
    assert "catdog: worker 0 is gone" in said[1]


@in_processes
def test_a_lost_server_ends_both(tmp_path, start):
    workers = start("train.epochs=100000")
    wait_for_epoch(tmp_path, 1, workers)
    os.kill(servers_of(workers[0])[-1], signal.SIGKILL)
    said = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [1, 1]
    assert "catdog: MXNet's server beside worker 0 has ended (exit code -9)" in said[0]
    assert "catdog: worker 0 is gone" in said[1]


@in_processes
def test_a_mistake_of_one_worker_keeps_its_exit_code(tmp_path, start):
    workers = start("train.lr=1e30", "train.clip=null")
    said = [worker.communicate(timeout=100)[0] for worker in workers]
    codes = [worker.returncode for worker in workers]
    assert 2 in codes
    assert set(codes) <= {1, 2}
    assert "train.lr" in "".join(said)


@in_processes
def test_workers_with_different_settings_are_told(start):
    workers = start(second=["train.lr=0.5"])
    said = [worker.communicate(timeout=100)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [2, 2]
    assert all("train.lr=0.5: worker 0 has " in word for word in said)
