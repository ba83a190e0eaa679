"""Validation accuracy against the number of training photographs of each class: from scratch, and from ImageNet.

    uv run --extra pretrained python benchmarks/learning_curve.py [--counts 10,30,100,300,1000] [--draw FILE.png]

Runs `catdog data=filtered` with experiment=fast (from scratch) and experiment=transfer on the first so many photographs
of each class, in an order that is drawn once; the 1,000 validation photographs are always the same. Needs
cats_and_dogs_filtered in the folder that CATDOG_REAL_DATA names, or in ../shared/data beside this repository.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from matplotlib.figure import Figure

CATDOG = Path(sys.executable).with_name("catdog")
RECIPES = {"fast": "from scratch (experiment=fast)", "transfer": "from ImageNet (experiment=transfer)"}
BEST = re.compile(r"^best val/accuracy: ([\d.]+)", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="10,30,100,300,1000")
    parser.add_argument("--draw", type=Path, metavar="FILE.png")
    chosen = parser.parse_args()
    folder = os.environ.get("CATDOG_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(folder) / "cats_and_dogs_filtered"
    if not root.is_dir():
        sys.exit(f"{root}: the photographs are not there; CATDOG_REAL_DATA names the folder that they are in")
    counts = [int(count) for count in chosen.counts.split(",")]
    curves: dict[str, list[float]] = {recipe: [] for recipe in RECIPES}
    for count in counts:
        for recipe in RECIPES:
            with tempfile.TemporaryDirectory() as place:
                started = time.monotonic()
                curves[recipe].append(accuracy(root, recipe, count, Path(place)))
                seconds = time.monotonic() - started
            print(f"{count:5} a class, {recipe:8}: {curves[recipe][-1]:.4f} after {seconds:.0f} s", flush=True)
    if chosen.draw is not None:
        draw(counts, curves, chosen.draw)


def accuracy(root: Path, recipe: str, count: int, place: Path) -> float:
    """The best validation accuracy of a recipe on `count` photographs a class. place: folder for all it makes."""
    some = place / "photographs"
    for kind in sorted((root / "train").iterdir()):
        pictures = sorted(kind.iterdir())
        random.Random(0).shuffle(pictures)
        (some / "train" / kind.name).mkdir(parents=True)
        for picture in pictures[:count]:
            (some / "train" / kind.name / picture.name).symlink_to(picture)
    (some / "validation").symlink_to(root / "validation")
    words = [f"experiment={recipe}", "data=filtered", f"data.root={some}", f"paths.outputs={place}/outputs"]
    done = subprocess.run([CATDOG, *words], capture_output=True, text=True, check=False)
    found = BEST.search(done.stdout)
    if done.returncode or found is None:
        sys.exit(f"catdog {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return float(found[1])


def draw(counts: list[int], curves: dict[str, list[float]], file: Path) -> None:
    """The curves, into a PNG file."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.add_subplot(
        xscale="log", xlabel="training photographs of each class", ylabel="validation accuracy", ylim=(0.5, 1)
    )
    for recipe, values in curves.items():
        axes.plot(counts, values, marker="o", label=RECIPES[recipe])
        for count, value in zip(counts, values, strict=True):
            axes.annotate(f"{value:.2f}", (count, value), (0, -12), textcoords="offset points", ha="center", fontsize=8)
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
