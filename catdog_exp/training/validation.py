"""How good a network under training is on pictures that it is not trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from catdog_exp.data.batches import plain_batches
from catdog_exp.networks.forward import Forward

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures


def loss_and_accuracy(forward: Forward, pictures: DecodedPictures, each: Callable[[], None]) -> tuple[float, float]:
    """Mean cross-entropy, natural logarithm, and share of right answers. each: called with each batch."""
    loss, correct, done = 0.0, 0, 0
    for values in forward.logits(plain_batches(pictures, forward.batch_size)):
        each()
        truth = pictures.labels[done : done + len(values)]
        logits = values[: len(truth)].astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(shifted).sum(axis=1))
        loss += float((log_sums - shifted[np.arange(len(truth)), truth]).sum())
        correct += int((logits.argmax(axis=1) == truth).sum())
        done += len(truth)
    return loss / done, correct / done
