"""Crops mixed with others: mixup and CutMix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catdog_exp.data import kernels, rng
from catdog_exp.data.config import AugmentConfig

Floats = NDArray[np.float64]

WHOLE = 1 << kernels.BLEND_BITS


class Mixing:
    """How each picture of an epoch is mixed with its partner, another picture of the same epoch.

    Mixup (Zhang et al., 2018) takes the weighted mean of both, CutMix (Yun et al., 2019) pastes a square of
    the partner. Where both are on, each picture has one of the two, half of the time. The shares are drawn from
    Beta(alpha, alpha), and the larger one is the picture's own: so an epoch still shows every picture.

    pictures: how many there are. generator: what the epoch draws from.
    """

    def __init__(self, augment: AugmentConfig, pictures: int, generator: np.random.Generator) -> None:
        self._augment = augment
        self.partners: NDArray[np.int64] = generator.permutation(pictures)
        # Beta(1, 1) stands in for a kind that is off, and is not used.
        alphas = [alpha or 1 for alpha in (augment.mixup, augment.cutmix)]
        shares = [generator.beta(alpha, alpha, pictures) for alpha in alphas]
        self._shares = [np.maximum(share, 1 - share) for share in shares]

    def mix(
        self, crops: NDArray[np.uint8], others: NDArray[np.uint8], chosen: NDArray[np.int64], numbers: Floats
    ) -> Floats:
        """Mix the partners' crops into the chosen pictures' own. Returns the own shares, 0..1, shape (N,).

        crops, others: uint8, shape (N, 3, size, size). numbers: those of `rng.uniform`, shape (COLUMNS, N).
        """
        size = crops.shape[3]
        mixup, cutmix = (shares[chosen] for shares in self._shares)
        pasted = self._pasted(numbers[rng.MIXING])
        edges: NDArray[np.int64] = np.where(pasted, np.rint(size * np.sqrt(1 - cutmix)), size).astype(np.int64)
        weights: NDArray[np.int64] = np.where(pasted, 0, np.rint(WHOLE * mixup)).astype(np.int64)
        corners = np.floor(numbers[[rng.BOX_DOWN, rng.BOX_ACROSS]] * (size - edges + 1)).astype(np.int64)
        kernels.blend(crops, others, np.concatenate([corners, corners + edges]).T.copy(), weights)
        area = (edges / size) ** 2
        return np.asarray(1 - area * (1 - weights / WHOLE), np.float64)

    def _pasted(self, numbers: Floats) -> NDArray[np.bool_]:
        if not self._augment.cutmix:
            return np.zeros(len(numbers), bool)
        if not self._augment.mixup:
            return np.ones(len(numbers), bool)
        return numbers < 0.5
