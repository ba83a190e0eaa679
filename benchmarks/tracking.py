"""What logging to MLflow costs a training: the same run with tracking over that without, medians of several in turn.

Measured is the time from the first epoch's end to the last one's, as the run's own log has it: what happens before and
after the training is benchmarks/overhead.py's. At most 1.01 is meant for the embedded store, 1.02 for a server.

    uv run python benchmarks/tracking.py [runs] [epochs] [server's URI]
"""

import statistics
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

COMMAND = Path(sys.executable).with_name("catdog")


def seconds(words: list[str]) -> float:
    """Of the training alone."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([COMMAND, *words], cwd=folder, check=True, capture_output=True)
        (log,) = Path(folder).glob("outputs/runs/*/*/run.log")
        moments = [
            datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f")
            for line in log.read_text(encoding="utf-8").splitlines()
            if ": epoch " in line
        ]
    return (moments[-1] - moments[0]).total_seconds()


def main() -> None:
    given = dict(enumerate(sys.argv[1:]))
    runs, epochs = int(given.get(0, 5)), int(given.get(1, 60))
    uri = [f"tracking.uri={given[2]}"] if 2 in given else []
    words = [f"train.epochs={epochs}", "stages=[pack,train]", "if_exists=new"]  # a server keeps what was before
    times: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(runs):
        times["without"].append(seconds([*words, "tracking=none"]))
        times["with"].append(seconds([*words, *uri]))
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name, each in times.items():
        print(f"{name} tracking: median {medians[name]:.2f} s of {runs} ({min(each):.2f} to {max(each):.2f})")
    print(f"with over without: {medians['with'] / medians['without']:.3f}")


if __name__ == "__main__":
    main()
