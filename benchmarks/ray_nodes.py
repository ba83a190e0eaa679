"""A sweep on three machines that share nothing: one joins in its middle, one is killed, one is cut off for a while.

    sudo .venv/bin/python benchmarks/ray_nodes.py [--epochs 150] [--cut 120]

The machines are network namespaces of this one, on a bridge, each with its own host name, `/tmp/ray`, cache and folder
of outputs. `one` has Ray's head and the sweep; `two` is there from the start, and is killed, with all its processes,
once it is in the middle of a job; `three` joins in the middle of the sweep, and its cable is pulled while it is in the
middle of a job. All jobs must end with the parameters of the same sweep on one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import psutil

from catdog_exp.packs.ray import ENVIRONMENT

BIN = Path(sys.executable).parent
BRIDGE, NET, PORT = "catray", "10.77.0", 6379
HOSTS = {"one": f"{NET}.11", "two": f"{NET}.12", "three": f"{NET}.13"}
OPEN = {"RAY_AUTH_MODE": "disabled"}
SEEDS = 8
WORDS = ["-m", "data.source.count=200", "data.resize=16", "model.width=8", "model.layers=2"]
WORDS += ["hardware.threads=1", "hydra.sweep.dir=outputs/sweep", f"train.seed={','.join(map(str, range(SEEDS)))}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--cut", type=float, default=120.0, help="seconds that `three` is cut off")
    chosen = parser.parse_args()
    words = [*WORDS, f"train.epochs={chosen.epochs}"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ExitStack() as stack:
        folder = Path(name)
        started = time.monotonic()
        (folder / "alone").mkdir()
        subprocess.run([BIN / "catdog", *words], cwd=folder / "alone", check=True, capture_output=True)
        wanted = digests(folder / "alone")
        say(started, f"alone: {len(wanted)} jobs")
        (folder / "sweep" / "outputs").mkdir(parents=True)
        stack.callback(remove_network)
        make_network()
        sweep(folder, words, chosen.cut, stack)
        found = digests(folder / "sweep")
    for seed, digest in sorted(wanted.items()):
        print(f"train.seed={seed}: {'equal' if found.get(seed) == digest else 'NOT EQUAL'} {found.get(seed)}")
    if found != wanted:
        sys.exit("not the same networks")
    print(f"all {len(wanted)} jobs ended with the parameters of the undisturbed sweep")


def sweep(folder: Path, words: list[str], cut: float, stack: ExitStack) -> None:
    """Run the sweep, and do to its machines what is to be done."""
    started = time.monotonic()
    nodes = {"one": node(folder, "one", stack), "two": node(folder, "two", stack)}
    wait(lambda: cores() == 2, "two machines", 120)
    say(started, "one and two are there")
    launcher = ["hydra/launcher=ray_cluster", "hydra.launcher.ray.init.log_to_driver=false"]
    output = stack.enter_context((folder / "output").open("w"))
    command = start(folder, "one", [str(BIN / "catdog"), *words, *launcher], stack, output)

    def alive() -> bool:
        return command.poll() is None

    def is_amid(name: str) -> Callable[[], bool]:
        def answer() -> bool:
            marks = folder.glob("sweep/outputs/sweep/*/node")
            return alive() and any(mark.read_text() == name and epoch(mark.parent) > 10 for mark in marks)

        return answer

    try:
        wait(is_amid("two"), "a job on two", 300)
        nodes["three"] = node(folder, "three", stack)
        wait(lambda: cores() == 3, "three", 120)
        say(started, "three has joined")
        kill(nodes["two"])
        say(started, "two is killed")
        wait(is_amid("three"), "a job on three", 300)
        ip("link", "set", f"{BRIDGE}-three", "down")
        say(started, "three is cut off")
        time.sleep(cut)
        ip("link", "set", f"{BRIDGE}-three", "up")
        say(started, f"three is back; the sweep {'runs' if alive() else 'has ended'}")
        code = command.wait(1800)
    finally:
        print((folder / "output").read_text())
    say(started, f"the sweep ends with exit code {code}")


def make_network() -> None:
    """A bridge, and a namespace for each machine."""
    remove_network()
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("link", "set", BRIDGE, "up")
    for name, address in HOSTS.items():
        ip("netns", "add", f"{BRIDGE}-{name}")
        ip("link", "add", f"{BRIDGE}-{name}", "type", "veth", "peer", "name", "eth0", "netns", f"{BRIDGE}-{name}")
        ip("link", "set", f"{BRIDGE}-{name}", "master", BRIDGE, "up")
        for words in (["addr", "add", f"{address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            ip("-n", f"{BRIDGE}-{name}", *words)
        ip("-n", f"{BRIDGE}-{name}", "link", "set", "lo", "up")


def remove_network() -> None:
    for words in (["link", "del", BRIDGE], *(["netns", "del", f"{BRIDGE}-{name}"] for name in HOSTS)):
        subprocess.run(["ip", *words], check=False, capture_output=True)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def node(folder: Path, name: str, stack: ExitStack) -> subprocess.Popen[bytes]:
    """Ray on a machine, started again where it ends, as a service would be."""
    place = ["--head", f"--port={PORT}", "--include-dashboard=false"]
    if name != "one":
        place = [f"--address={HOSTS['one']}:{PORT}"]
    ray = [str(BIN / "ray"), "start", "--block", "--num-cpus=1", f"--node-ip-address={HOSTS[name]}"]
    ray += ["--object-store-memory=100000000", "--disable-usage-stats", *place]
    again = f"while true; do {shlex.join(ray)}; sleep 3; done"
    with (folder / f"{name}.out").open("w") as output:
        return start(folder, name, ["sh", "-c", again], stack, output)


def start(folder: Path, name: str, words: list[str], stack: ExitStack, output: IO[Any]) -> subprocess.Popen[bytes]:
    """A process on a machine: in its network, with its name, and, but for `one`, without the sweep's outputs."""
    own = folder / name
    for each in ("ray", "cache"):
        (own / each).mkdir(parents=True, exist_ok=True)
    Path("/tmp/ray").mkdir(exist_ok=True)
    mounts = [["hostname", name], ["mount", "--bind", str(own / "ray"), "/tmp/ray"]]
    if name != "one":
        mounts.append(["mount", "-t", "tmpfs", "none", str(folder / "sweep" / "outputs")])
    inside = " && ".join([*map(shlex.join, mounts), f"exec {shlex.join(words)}"])
    # No token: all machines are this one.
    own_environment = {"XDG_CACHE_HOME": str(own / "cache"), "RAY_ADDRESS": f"{HOSTS['one']}:{PORT}", **OPEN}
    process = subprocess.Popen(
        ["ip", "netns", "exec", f"{BRIDGE}-{name}", "unshare", "--mount", "--uts", "sh", "-c", inside],
        cwd=folder / "sweep",
        env={**os.environ, **ENVIRONMENT, **own_environment},
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    stack.callback(kill, process)
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a machine's processes, those too that have left their parents: all of its network."""
    space = Path(f"/proc/{process.pid}/ns/net")
    try:
        own = space.readlink()
    except OSError:
        return
    for each in psutil.process_iter():
        try:
            if Path(f"/proc/{each.pid}/ns/net").readlink() == own:
                each.send_signal(signal.SIGKILL)
        except (OSError, psutil.Error):
            continue
    process.wait()


def cores() -> int:
    """The cluster's, as `ray status` on its head has them."""
    words = ["ip", "netns", "exec", f"{BRIDGE}-one", str(BIN / "ray"), "status", f"--address={HOSTS['one']}:{PORT}"]
    said = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **OPEN}).stdout
    line = next((line for line in said.splitlines() if line.strip().endswith("CPU")), "0/0 CPU")
    return int(float(line.split()[0].partition("/")[2]))


def epoch(job: Path) -> int:
    try:
        return int(json.loads((job / "progress.json").read_text())["epoch"])
    except (OSError, ValueError):
        return 0


def digests(folder: Path) -> dict[str, str]:
    """The digest of each finished job's parameters, by its seed."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name("catdog")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`mlflow.parentRunId` LIKE '%'")
    assert {run.info.status for run in runs} == {"FINISHED"}, [run.info.status for run in runs]
    return {run.data.params["train.seed"]: run.data.tags["params_sha256"] for run in runs}


def say(since: float, line: str) -> None:
    print(f"{time.monotonic() - since:5.0f} s: {line}", flush=True)


def wait(condition: Callable[[], bool], what: str, seconds: float) -> None:
    last = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > last:
            sys.exit(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
