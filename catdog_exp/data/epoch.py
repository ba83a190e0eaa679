"""The pictures as one epoch of training sees them, and what a network is to say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.data.augment import augmented
from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.features import FeaturedPictures
from catdog_exp.data.mixing import Mixing
from catdog_exp.data.rng import uniform

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures

ORDER, MIXING = 1, 2  # what is drawn for all pictures of an epoch at once


class AugmentedEpoch:
    """All pictures in one epoch: their order, and batches of any of them.

    What becomes of a picture follows from seed, epoch and its index, whatever batch it comes in.

    classes: how many there are; every label is below. epoch: counted from 1.
    """

    def __init__(self, pictures: DecodedPictures, augment: AugmentConfig, classes: int, seed: int, epoch: int) -> None:
        self._pictures = pictures
        self._augment = augment
        self._classes = classes
        self._when = seed, epoch
        # The views are the same for all seeds, so that what is computed of them serves all.
        self._view = (epoch - 1) % (augment.views or 1)
        self._drawn = (seed, epoch) if augment.views is None else (0, self._view + 1)
        self.order: NDArray[np.int64] = self._generator(ORDER).permutation(len(pictures))
        mixes = augment.mixup or augment.cutmix
        self._mixing = Mixing(augment, len(pictures), self._generator(MIXING)) if mixes else None

    def batch(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """The crops of the pictures with these indices, uint8 RGB, shape (N, 3, size, size), and their targets.
        In place of crops, what frozen layers give for them (`FeaturedPictures`), where that is known.

        The targets are float32 of shape (N, classes); each row sums to 1.
        """
        if isinstance(self._pictures, FeaturedPictures):
            crops, targets = self._pictures.values[self._view, chosen], self._one_hot(chosen)
        elif self._mixing is None:
            crops, targets = self.crops(chosen), self._one_hot(chosen)
        else:
            partners = self._mixing.partners[chosen]
            crops, others = np.split(self.crops(np.concatenate([chosen, partners])), 2)
            own = self._mixing.mix(crops, others, chosen, uniform(*self._when, chosen))[:, None]
            targets = own * self._one_hot(chosen) + (1 - own) * self._one_hot(partners)
        smoothing = self._augment.label_smoothing  # Szegedy et al., 2016
        return crops, (targets * (1 - smoothing) + smoothing / self._classes).astype(np.float32)

    def crops(self, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The crops of the pictures with these indices, not mixed: uint8 RGB, shape (N, 3, size, size)."""
        return augmented(self._pictures, chosen, self._augment, *self._drawn)

    def _one_hot(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        targets = np.zeros((len(chosen), self._classes))
        targets[np.arange(len(chosen)), self._pictures.labels[chosen]] = 1
        return targets

    def _generator(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng((*self._when, purpose))
