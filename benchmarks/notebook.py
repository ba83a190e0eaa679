"""`experiment=notebook` on the real photographs against the published notebook's figures.

    uv run python benchmarks/notebook.py FOLDER [seed ...]

FOLDER holds train/ and validation/ of cats_and_dogs_filtered. The peer's figures are the notebook author's own, on
a hosted GPU: validation accuracy 0.736 after 10 epochs, 11 s an epoch.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = Path(sys.executable).with_name("catdog")
PUBLISHED_ACCURACY = 0.736
PUBLISHED_SECONDS = 11


def main() -> None:
    folder, *seeds = sys.argv[1:]
    for seed in seeds or ["0"]:
        with tempfile.TemporaryDirectory() as outputs:
            start = time.perf_counter()
            words = ["experiment=notebook", "data=filtered", f"data.root={folder}", f"train.seed={seed}"]
            words += [f"paths.outputs={outputs}", "tracking=none", "stages=[pack,train]"]
            done = subprocess.run([COMMAND, *words], check=True, capture_output=True, text=True)
            whole = time.perf_counter() - start
        accuracies = [float(value) for value in re.findall(r"validation loss \S+ accuracy (\d\.\d+)", done.stdout)]
        rates = [int(value.replace(",", "")) for value in re.findall(r"([\d,]+) images/s", done.stdout)]
        epoch = sum(2000 / rate for rate in rates) / len(rates)
        print(
            f"seed {seed}: final accuracy {accuracies[-1]:.3f} ({accuracies[-1] / PUBLISHED_ACCURACY:.3f} of the "
            f"published), best {max(accuracies):.3f}; {epoch:.1f} s of training an epoch "
            f"({epoch / PUBLISHED_SECONDS:.1f} of the published GPU's), {whole:.0f} s in all",
            flush=True,
        )


if __name__ == "__main__":
    main()
