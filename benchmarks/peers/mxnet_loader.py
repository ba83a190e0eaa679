"""The peer of loader.py: the same augmentations in MXNet's ImageRecordIter, without this package.

python mxnet_loader.py WORDS, the JSON of `measure`'s arguments. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from loading import AREA, ASPECT, DEGREES, JITTER, KINDS, PAD, measured

np.bool = bool  # which MXNet 1.9.1 reads at its import, and NumPy has dropped

import mxnet as mx  # noqa: E402


def measure(place: str, size: int, batch: int, kind: str, threads: int) -> dict[str, float]:
    cut: dict[str, Any] = {"rand_crop": True, "pad": PAD}
    if kind == KINDS[1]:
        cut = {"random_resized_crop": True, "min_random_area": AREA[0], "max_random_area": AREA[1]}
        cut |= {"min_aspect_ratio": ASPECT[0], "max_aspect_ratio": ASPECT[1], "max_rotate_angle": DEGREES}
    batches = mx.io.ImageRecordIter(
        path_imgrec=f"{place}/train_file.rec",
        path_imgidx=f"{place}/train_file.idx",
        data_shape=(3, size, size),
        batch_size=batch,
        shuffle=True,
        preprocess_threads=threads,
        rand_mirror=True,
        brightness=JITTER,
        contrast=JITTER,
        saturation=JITTER,
        ctx="cpu",
        verbose=False,
        **cut,
    )

    def epochs() -> Iterator[Iterator[Any]]:
        while True:
            batches.reset()
            yield (crops for each in batches for crops in each.data if crops.wait_to_read() is None)

    return measured(epochs(), batch)


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
