"""What is said of pictures to train on by networks that have not seen them."""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from catdog_exp.data.features import FeaturedPictures
from catdog_exp.data.kept_folder import kept_folder
from catdog_exp.packs.store import Pack

FORMAT = 1  # goes up whenever the same features would give other numbers
FOLDER = "cross_validated"  # in the pack's
VALUES = "probabilities.npy"
FOLDS = 5
C = 0.01  # inverse strength of the penalty: strong, since a label that is wrong must not be learned by heart

log = logging.getLogger(__name__)


def cross_validated(pictures: FeaturedPictures, pack: Pack) -> NDArray[np.float64] | None:
    """Each class's probability for each picture, by a head that has learned from those of the other folds alone.

    The heads are logistic regressions on the mean of each picture's features, over its views and its places. What
    they say is kept in the pack's folder, for all runs with these features. Shape (N, classes), rows sum to 1; None
    where a class has a single picture.
    """
    if np.bincount(pictures.labels).min() < 2:
        return None
    features = _features(pictures)
    digest = hashlib.sha256(features.data)
    digest.update(pictures.labels.tobytes())
    about = {"format": FORMAT, "features": digest.hexdigest(), "folds": FOLDS, "c": C}

    def make(folder: Path) -> None:
        started = time.perf_counter()
        np.save(folder / VALUES, _probabilities(features, pictures.labels))
        told = f"{len(pictures):,} training pictures", time.perf_counter() - started
        log.info("cross-validated a head on the features of %s in %.1f s", *told)

    kept = kept_folder(pack, pack.folder / FOLDER / digest.hexdigest()[:16], about, (VALUES,), "probabilities", make)
    if kept is None:
        return _probabilities(features, pictures.labels)
    return cast("NDArray[np.float64]", np.load(kept / VALUES))


def _features(pictures: FeaturedPictures) -> NDArray[np.float32]:
    """The mean of each picture's features: (N, channels)."""
    count, channels = pictures.values.shape[1:3]
    total = np.zeros((count, channels), np.float32)
    for view in pictures.values:  # one after the other: they may be mapped from a large file
        total += view.reshape(count, channels, -1).mean(axis=2)
    return total / np.float32(len(pictures.values))


def _probabilities(features: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    folds = StratifiedKFold(min(FOLDS, int(np.bincount(labels).min())), shuffle=True, random_state=0)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))
    with threadpool_limits(1):  # more wait for each other, on a busy machine for a minute; and have other last digits
        found = cross_val_predict(head, features, labels, cv=folds, method="predict_proba")
    return np.asarray(found, np.float64)
