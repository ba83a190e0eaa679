"""How much a sweep wins by its jobs side by side, what a process for each costs, and how soon a finished one answers.

    uv run python benchmarks/sweep.py [--turns 3] [--epochs 20]

Eight small jobs of one thread each, in turn: through this package's default launcher with `sweep.jobs=2`; one after the
other through Hydra's basic launcher, with the same job function, a process for each; and through plain Hydra, whose
basic launcher runs them all in one process (peers/basic_sweep.py). Then a sweep of 50 jobs, all of which have finished.
Prints seconds, and ratios of medians. The shorter the jobs, the more the start of the command counts (7 s).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CATDOG = Path(sys.executable).with_name("catdog")
PEER = Path(__file__).parent / "peers" / "basic_sweep.py"
EIGHT = ["train.seed=range(0,8)", "data.source.count=600", "hardware.threads=1"]
FIFTY = ["data.source.count=40", "data.resize=16", "train.epochs=1", "model.width=4", "model.layers=1"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    chosen = parser.parse_args()
    jobs = ["-m", *EIGHT, f"train.epochs={chosen.epochs}"]
    ways = {
        "side by side": [str(CATDOG), *jobs, "sweep.jobs=2"],
        "one after the other": [str(CATDOG), *jobs, "hydra/launcher=basic", "sweep.jobs=1"],
        "plain Hydra": [sys.executable, str(PEER), *jobs],
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(chosen.turns):
        for name, words in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                run(folder, str(CATDOG), "data.source.count=600", "stages=[pack]")  # what all find there
                taken[name].append(run(folder, *words))
        told = ", ".join(f"{name} {seconds[-1]:.1f} s" for name, seconds in taken.items())
        print(f"turn {turn}: {told}, load {os.getloadavg()[0]:.1f}", flush=True)
    ours, alone, plain = (statistics.median(seconds) for seconds in taken.values())
    print(f"8 jobs side by side: {alone / ours:.2f} times the throughput of one after the other (medians)")
    print(f"and {plain / ours:.2f} times that of plain Hydra, all in one process")
    print(f"a process for each job: {(alone - plain) / 8:.1f} s a job (medians)")
    with tempfile.TemporaryDirectory() as folder:
        words = [str(CATDOG), "-m", *FIFTY, "train.seed=range(0,50)"]
        first, *again = (run(folder, *words) for _ in range(1 + chosen.turns))
    print(f"50 jobs: {first:.0f} s, once they have finished {statistics.median(again):.1f} s")


def run(folder: str, *command: str) -> float:
    """Seconds that the command takes."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("CATDOG_", "MLFLOW_", "OMP_"))
    }
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return time.monotonic() - started


if __name__ == "__main__":
    main()
