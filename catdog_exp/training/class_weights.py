"""How much a picture counts in the loss, by its class: for data sets whose classes have unequal numbers of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catdog_exp.training.config import ClassWeights


def class_weights(wanted: ClassWeights, labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """The weight of each class, shape (classes,). Their mean over the pictures is 1, so a learning rate stays right.

    `balanced` is pictures / (classes × pictures of the class), as scikit-learn's `compute_class_weight`, after
    King and Zeng, 2001; a class without pictures has 1.

    labels: of the pictures to train on, 0..classes-1. Numbers in `wanted` are one for each class.
    """
    counts = np.bincount(labels, minlength=classes)
    weights = np.ones(classes)
    if wanted == "balanced":
        np.divide(len(labels), classes * counts, out=weights, where=counts > 0)
    elif wanted != "none":
        weights = np.array(wanted)
    return (weights / np.average(weights, weights=counts)).astype(np.float32)
