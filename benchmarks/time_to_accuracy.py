"""How soon a recipe reaches an accuracy on the real photographs, from the command's start.

    uv run python benchmarks/time_to_accuracy.py [--experiment fast] [--target 0.86] [--seeds 3]

Runs `catdog experiment=… data=filtered` on the 2,000 training photographs once for each seed, in folders of their own,
with nothing packed before, and reads what it prints. A seed's time is that of the first epoch whose validation
accuracy is the target or more. Needs cats_and_dogs_filtered in the folder that CATDOG_REAL_DATA names, or in
../shared/data beside this repository.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CATDOG = Path(sys.executable).with_name("catdog")
EPOCH = re.compile(r"^epoch (\d+)/\d+: .* validation loss [\d.]+ accuracy ([\d.]+), ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="fast")
    parser.add_argument("--target", type=float, default=0.86)
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    folder = os.environ.get("CATDOG_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(folder) / "cats_and_dogs_filtered"
    if not root.is_dir():
        sys.exit(f"{root}: the photographs are not there; CATDOG_REAL_DATA names the folder that they are in")
    reached, lasts, ends = [], [], []
    for seed in range(chosen.seeds):
        first, last, end = one(chosen.experiment, root, seed, chosen.target)
        load = os.getloadavg()[0]
        print(f"seed {seed}: {first:.0f} s to {chosen.target}, last epoch {last:.3f}, end {end:.0f} s, load {load:.1f}")
        reached.append(first)
        lasts.append(last)
        ends.append(end)
    print(
        f"experiment={chosen.experiment}: medians of {chosen.seeds} seeds: {statistics.median(reached):.0f} s to "
        f"{chosen.target}; last epoch {statistics.median(lasts):.3f}, end {statistics.median(ends):.0f} s"
    )


def one(experiment: str, root: Path, seed: int, target: float) -> tuple[float, float, float]:
    """Seconds to the target (infinite where it is never reached), the last epoch's accuracy, seconds to the end."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("CATDOG_", "MLFLOW_"))}
    with tempfile.TemporaryDirectory() as folder:
        words = [f"experiment={experiment}", "data=filtered", f"data.root={root}", f"train.seed={seed}"]
        started = time.monotonic()
        process = subprocess.Popen(
            [CATDOG, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert process.stdout is not None
        first, last = math.inf, math.nan
        for line in process.stdout:
            found = EPOCH.match(line)
            if found is None:
                continue
            last = float(found[2])
            if last >= target:
                first = min(first, time.monotonic() - started)
        if process.wait() != 0:
            sys.exit(f"the run of seed {seed} ended with {process.returncode}")
        return first, last, time.monotonic() - started


if __name__ == "__main__":
    main()
