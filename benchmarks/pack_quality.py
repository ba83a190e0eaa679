"""What the quick way of packing costs in quality: a JPEG decode at a fraction of the size, and nearly areas.

    uv run python benchmarks/pack_quality.py [--sizes 32 64 128]
    uv run python benchmarks/pack_quality.py --train [--seeds 0 1 2]

Needs the 3,000 photographs of cats_and_dogs_filtered, in the folder that CATDOG_REAL_DATA names, or in ../shared/data
beside this repository. The yardstick is a full decode, shrunk by OpenCV's INTER_AREA. The peer is what im2rec.py does:
a full decode, shrunk by INTER_LINEAR. Both are compared as pixels, before they are packed as JPEGs.

`--train` (slow) trains the default network on packs of our pictures and on packs of the yardstick's, and compares the
accuracies on the validation photographs.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from catdog_exp.images.decode import decode_picture
from catdog_exp.images.resize import Pixels, size_with

REPOSITORY = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("catdog")
DEMANDED = 38  # dB, at the median
TRAINED_SIZE = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 128], metavar="PIXELS")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    root = photographs()
    if arguments.train:
        accuracies(root, arguments.seeds)
    else:
        likeness(root, arguments.sizes)


def photographs() -> Path:
    """The folder of the photographs; ends the program where there is none."""
    root = Path(os.environ.get("CATDOG_REAL_DATA", REPOSITORY.parent / "shared" / "data")) / "cats_and_dogs_filtered"
    if not root.is_dir():
        sys.exit(f"not measured: there are no photographs in {root}; CATDOG_REAL_DATA names another folder")
    return root


def likeness(root: Path, sizes: Sequence[int]) -> None:
    files = [path.read_bytes() for path in sorted(root.rglob("*.jpg"))]
    print(f"{len(files):,} photographs; PSNR against a full decode shrunk by INTER_AREA, dB")
    print("short edge  ours: median  lowest tenth  im2rec: median  compared  of the same size")
    for size in sizes:
        ours, theirs, same_size = [], [], 0
        for file in files:
            whole = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
            if min(whole.shape[:2]) <= size:
                continue  # is not shrunk
            picture, wanted = decode_picture(file, size), shrunk(whole, size, cv2.INTER_AREA)
            same_size += picture.shape == wanted.shape
            ours.append(cv2.PSNR(picture, wanted))
            theirs.append(cv2.PSNR(shrunk(whole, size, cv2.INTER_LINEAR), wanted))
        median = statistics.median(ours)
        print(
            f"{size:>10} {median:>13.1f} {np.percentile(ours, 10):>13.1f} {statistics.median(theirs):>15.1f} "
            f"{len(ours):>9,} {same_size / len(ours):>17.1%}\n"
            f"RATIO {median / DEMANDED:.2f} of the {DEMANDED} dB demanded, {median / statistics.median(theirs):.2f} of "
            "im2rec's",
            flush=True,
        )


def shrunk(picture: cv2.typing.MatLike, size: int, method: int) -> Pixels:
    height, width = picture.shape[:2]
    return cv2.resize(picture, size_with(size, width, height), interpolation=method).astype(np.uint8, copy=False)


def accuracies(root: Path, seeds: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        yardstick = Path(folder) / "yardstick"
        for path in root.rglob("*.jpg"):
            # Packing leaves a PNG that has the size wanted as it is, but for the JPEG compression of all packs.
            png = (yardstick / path.relative_to(root)).with_suffix(".png")
            png.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(png), shrunk(cv2.imread(str(path)), TRAINED_SIZE, cv2.INTER_AREA))
        best: dict[str, list[float]] = {"ours": [], "yardstick": []}
        print(f"the default network, short edge {TRAINED_SIZE}, best accuracy on the validation photographs")
        for seed in seeds:
            for kind, pictures in (("ours", root), ("yardstick", yardstick)):
                best[kind].append(trained(pictures, seed, Path(folder) / "outputs"))
            print(f"seed {seed}: ours {best['ours'][-1]:.3f}, yardstick {best['yardstick'][-1]:.3f}", flush=True)
    ours, theirs = (statistics.mean(values) for values in best.values())
    print(f"RATIO {ours / theirs:.3f}: mean {ours:.3f} against {theirs:.3f}, {len(seeds)} seeds")


def trained(pictures: Path, seed: int, outputs: Path) -> float:
    words = ["data=filtered", f"data.root={pictures}", f"data.resize={TRAINED_SIZE}", f"train.seed={seed}"]
    command: list[str | Path] = [COMMAND, *words, "tracking=none", "stages=[pack,train]", f"paths.outputs={outputs}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"not measured: {' '.join(map(str, command))} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return max(float(value) for value in re.findall(r"validation loss \S+ accuracy (\d\.\d+)", done.stdout))


if __name__ == "__main__":
    main()
