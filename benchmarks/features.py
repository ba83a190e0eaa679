"""How fast frozen layers are computed for many pictures, against a plain MXNet loop, and how much memory that takes.

    uv run --extra pretrained python benchmarks/features.py [--pictures 25000] [--experiment transfer_fast]

Runs `catdog experiment=… data=synthetic` with so many drawn pictures and one epoch, and reads from its log how fast the
training pictures' features were computed: decoded pictures are read from a file, and features written into one.
The peer, peers/mxnet_forward.py, computes the same network over a batch that stays in memory, with MXNet's own threads;
it runs before and after, and its median is compared. At least 0.95 is meant. Peak memory is that of all processes of
the run together, looked at twice a second; mapped files count; less than 1.5 GB is meant.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

CATDOG = Path(sys.executable).with_name("catdog")
PEER = Path(__file__).with_name("peers") / "mxnet_forward.py"
SPEED = re.compile(r"features of [\d,]+ train pictures .* ([\d,]+) images/s")
SIZE = {"transfer": 224, "transfer_fast": 128}
LOOK_EVERY = 0.5  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=25_000)
    parser.add_argument("--experiment", choices=SIZE, default="transfer_fast")
    parser.add_argument("--of-the-peer", type=int, default=3_000, metavar="PICTURES")
    chosen = parser.parse_args()
    size = SIZE[chosen.experiment]
    with tempfile.TemporaryDirectory() as place:
        words = [f"experiment={chosen.experiment}", "data=synthetic", f"data.resize={size}", "train.epochs=1"]
        run(["data.source.count=40", *words], Path(place) / "small")
        network = Path(place) / "network"
        subprocess.run([CATDOG, "export", "last", network, "--format", "mxnet"], cwd=Path(place) / "small", check=True)
        loop = [plain_loop(network, size, chosen.of_the_peer)]
        speed, most = run([f"data.source.count={chosen.pictures}", *words], Path(place) / "large")
        loop.append(plain_loop(network, size, chosen.of_the_peer))
    peer = statistics.median(loop)
    print(f"catdog {speed:.0f} pictures/s, a plain loop {peer:.0f} ({min(loop):.0f} to {max(loop):.0f})")
    print(f"peak memory {most / 2**30:.2f} GB")
    print(f"RATIO {speed / peer:.2f}")


def plain_loop(network: Path, size: int, pictures: int) -> float:
    """Pictures per second."""
    command: list[str | Path] = [sys.executable, PEER, network, str(size), str(pictures)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1])


def run(words: list[str], folder: Path) -> tuple[float, int]:
    """Pictures per second of the features, and the most bytes that its processes had together."""
    folder.mkdir()
    process = subprocess.Popen([CATDOG, *words], cwd=folder, stdout=subprocess.DEVNULL)
    most, ended = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not ended.wait(LOOK_EVERY):
            most = max(most, resident(process.pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        if process.wait() != 0:
            sys.exit(f"catdog {' '.join(words)} ended with {process.returncode}")
    finally:
        ended.set()
        thread.join()
    (log,) = folder.glob("outputs/runs/*/*/run.log")
    found = SPEED.search(log.read_text(encoding="utf-8"))
    assert found is not None, log.read_text(encoding="utf-8")
    return float(found[1].replace(",", "")), most


def resident(pid: int) -> int:
    """Bytes of a process and of those that it has started."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0  # it has just ended
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(int(child)) for child in children)


if __name__ == "__main__":
    main()
