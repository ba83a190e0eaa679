"""What a run costs beside its packing and training, and how soon `catdog --help` answers.

The run measured draws, packs and trains next to nothing, so that its time is that of imports, composing, MLflow
and pictures. Prints medians over several runs, after one that is not counted. Stands alone: there is no peer.

    uv run python benchmarks/overhead.py [runs]
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = Path(sys.executable).with_name("catdog")
NEXT_TO_NOTHING = ["data.source.count=20", "data.resize=8", "model.layers=1", "model.width=1", "train.epochs=1"]


def seconds(*words: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([COMMAND, *words], cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - start


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for name, limit, words in (("--help", 1, ["--help"]), ("a run's overhead", 8, NEXT_TO_NOTHING)):
        seconds(*words)
        times = [seconds(*words) for _ in range(runs)]
        print(
            f"{name}: median {statistics.median(times):.2f} s of {runs} runs "
            f"({min(times):.2f} to {max(times):.2f}), {statistics.median(times) / limit:.2f} of the {limit} s allowed"
        )


if __name__ == "__main__":
    main()
