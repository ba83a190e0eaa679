"""The peer of features.py: an exported network over random pictures, as a plain MXNet script does it.

    python mxnet_forward.py FOLDER SIZE PICTURES

FOLDER: as `catdog export --format mxnet` writes it. Prints pictures per second, without the first batch, which makes
the network's memory.
"""

import sys
import time
from pathlib import Path

import numpy as np

np.bool = bool  # which NumPy dropped in 1.24
import mxnet as mx  # noqa: E402  (reads it)

BATCH = 64


def main(folder: Path, size: int, pictures: int) -> None:
    files = str(folder / "network-symbol.json"), str(folder / "network-0000.params")
    network = mx.gluon.SymbolBlock.imports(files[0], ["data"], files[1])
    network.hybridize(static_alloc=True, static_shape=True)
    batch = np.random.default_rng(0).integers(0, 256, (BATCH, 3, size, size)).astype(np.float32)
    network(mx.nd.array(batch)).asnumpy()
    started = time.perf_counter()
    count = -(-pictures // BATCH)
    for _ in range(count):
        network(mx.nd.array(batch)).asnumpy()
    print(count * BATCH / (time.perf_counter() - started))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
