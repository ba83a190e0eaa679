"""What the stages that are still missing cost, once a training has finished: against the whole run.

    uv run python benchmarks/one_stage_more.py --data DIR

DIR: the photographs of `data=filtered` (the folder with train/ and validation/). The same command first trains alone,
then does all stages, of which preview and evaluate are left; a third time nothing is. Ends with 1 where it trains
twice.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = Path(sys.executable).with_name("catdog")


def timed(folder: Path, *words: str) -> tuple[float, str]:
    """Seconds, and what the command printed."""
    start = time.perf_counter()
    done = subprocess.run([COMMAND, *words], cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    words = ["data=filtered", f"data.root={parser.parse_args().data.resolve()}"]
    with tempfile.TemporaryDirectory() as name:
        first, _ = timed(Path(name), *words, "stages=[pack,train]")
        more, told = timed(Path(name), *words)
        nothing, _ = timed(Path(name), *words)
    print(
        f"pack and train {first:.1f} s; then all stages {more:.1f} s, {more / first:.2f} of it; again {nothing:.1f} s"
    )
    return int("epoch 1/" in told)


if __name__ == "__main__":
    sys.exit(main())
