"""Clusters on this machine, of the real thing: Ray's and Slurm's own programs on loopback."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from catdog_exp.packs.ray import ENVIRONMENT

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: uv sync --extra ray"
)
needs_mounts = pytest.mark.skipif(os.getuid() != 0, reason="a node with folders of its own needs root")
needs_slurm = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None or shutil.which("slurmctld") is None or os.getuid() != 0,
    reason="Slurm is not installed, or may not be started: apt-get install slurm-wlm and uv sync --extra submitit",
)

# No accounting, no control groups, no service manager: what one node needs to run jobs, and nothing else.
SLURM_CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def ray_nodes(monkeypatch: pytest.MonkeyPatch, count: int) -> Iterator[Any]:
    """A Ray cluster of so many nodes of one core each; RAY_ADDRESS names it."""
    # Ray has its workers give way to all others, whom a busy machine has too many of, and gives one up after a minute.
    patient = {"RAY_worker_niceness": "0", "RAY_worker_register_timeout_seconds": "300"}
    for name, value in {**ENVIRONMENT, **patient}.items():
        monkeypatch.setenv(name, value)
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    for _ in range(count - 1):
        cluster.add_node(wait=False, num_cpus=1, object_store_memory=100 << 20)
    cluster.wait_for_nodes(120)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    try:
        yield cluster
    finally:
        cluster.shutdown()


@contextmanager
def ray_node_apart(cluster: Any, hidden: Path, cache: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One more node of one core, once it has joined; for it the folder `hidden` is empty, and its cache is its own."""
    hidden.mkdir(parents=True, exist_ok=True)
    ray = Path(sys.executable).with_name("ray")
    start = f"{ray} start --address={cluster.address} --num-cpus=1 --object-store-memory=100000000 --block"
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs none {hidden} && exec {start}"],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    nodes = len(cluster.list_all_nodes()) + 1
    try:
        joined = lambda: sum(node["Alive"] for node in cluster.global_state.node_table()) == nodes  # noqa: E731
        wait_for(joined, "the node apart", 120)
        yield process
    finally:
        kill_family(process)


def kill_family(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it has started, at once, as when its machine goes."""
    with suppress(psutil.NoSuchProcess):
        for each in (*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)):
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait(30)


def lose_a_node(cluster: Any) -> None:
    """Kill all processes of the node that is not the head, at once, as when its machine goes."""
    _, lost = cluster.list_all_nodes()
    raylet = psutil.Process(lost.all_processes["raylet"][0].process.pid)
    for process in (raylet, *raylet.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            process.kill()


@contextmanager
def one_slurm_node(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Slurm's controller and one node, with an authentication service of their own; SLURM_CONF names them."""
    folder.chmod(0o755)  # munged wants its socket where everybody may reach it
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    conf = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    ports = [_free_port(), _free_port()]
    conf.write_text(SLURM_CONF.format(folder=folder, host=host, ports=ports, cores=os.cpu_count()))
    monkeypatch.setenv("SLURM_CONF", str(conf))
    files = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munge.pid", "seed-file": "munge.seed"}
    munge = ["munged", "--foreground", "--force", *(f"--{name}={folder / file}" for name, file in files.items())]
    with ExitStack() as stack:
        stack.enter_context(_running(munge, folder))
        wait_for((folder / "munge.socket").exists, "munged", 20)
        stack.enter_context(_running(["slurmctld", "-D", "-f", str(conf)], folder))
        stack.enter_context(_running(["slurmd", "-D", "-f", str(conf), "-N", host], folder))
        wait_for(lambda: "idle" in _output("sinfo", "--noheader", "--format=%T"), f"Slurm; see {folder}", 60)
        yield folder
        _output("scancel", "--user=root")


@contextmanager
def _running(words: list[str], folder: Path) -> Iterator[None]:
    with (folder / f"{words[0]}.out").open("w") as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until the condition holds; the test fails when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)
