"""How good a network under training is on pictures that it is not trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from catdog_exp.data.batches import plain_batches
from catdog_exp.networks.forward import Forward
from catdog_exp.training.objective import balanced_accuracy

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures


def validate(
    forward: Forward, pictures: DecodedPictures, each: Callable[[], None], *, mirrored: bool
) -> dict[str, float]:
    """The metrics of an epoch that begin with `val/`. Each picture counts alike in loss and accuracy.

    The loss is the mean cross-entropy, natural logarithm. each: called with each batch.
    mirrored: a picture's logits are the mean of its own and its mirror image's.
    """
    loss, done = 0.0, 0
    right = np.zeros(len(pictures), bool)
    for values in forward.outputs(plain_batches(pictures, forward.batch_size, mirrored=mirrored)):
        each()
        truth = pictures.labels[done : done + len(values)]
        logits = values[: len(truth)].astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(shifted).sum(axis=1))
        loss += float((log_sums - shifted[np.arange(len(truth)), truth]).sum())
        right[done : done + len(truth)] = logits.argmax(axis=1) == truth
        done += len(truth)
    counts = np.bincount(pictures.labels)
    hits = np.bincount(pictures.labels[right], minlength=len(counts))
    return {
        "val/loss": loss / done,
        "val/accuracy": int(right.sum()) / done,
        "val/balanced_accuracy": balanced_accuracy(hits.tolist(), counts.tolist()),
    }
