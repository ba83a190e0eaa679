"""What is said of pictures to train on by heads that have not seen them."""

import logging
from pathlib import Path

import numpy as np
import pytest

from catdog_exp.data.decoded_cache import decoded_side
from catdog_exp.data.features import FeaturedPictures
from catdog_exp.inference.cross_validation import cross_validated
from catdog_exp.inference.label_check import doubtful_labels
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.store import Pack, open_pack
from tests.images.drawn import DATA, draw_pictures


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return open_pack(plan_pack(draw_pictures(tmp_path / "pictures", per_class=100, edge=20), DATA, tmp_path / "packs"))


def test_labels_that_the_features_contradict_are_in_doubt_and_the_heads_are_trained_once(
    pack: Pack, caplog: pytest.LogCaptureFixture
):
    pictures = decoded_side(pack, "train", 16, threads=2)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, len(pictures), 24, 2, 2)).astype(np.float32)
    values += 2 * np.eye(24, dtype=np.float32)[pictures.labels][None, :, :, None, None]
    wrong = rng.choice(len(pictures), 8, replace=False)
    labels = pictures.labels.copy()
    labels[wrong] = 1 - labels[wrong]
    featured = FeaturedPictures(**{**vars(pictures), "labels": labels}, layers=3, computed_by="", values=values)
    with caplog.at_level(logging.INFO):
        first = cross_validated(featured, pack)
        again = cross_validated(featured, pack)
    assert first is not None
    assert again is not None
    assert first.shape == (160, 2)
    assert np.abs(first.sum(axis=1) - 1).max() < 1e-6
    assert (first == again).all()
    assert sum(message.startswith("cross-validated") for message in caplog.messages) == 1
    found = [doubt.place for doubt in doubtful_labels(labels, first)]
    assert len(set(found[:8]) & set(wrong.tolist())) >= 7
    one_cat = np.append(np.flatnonzero(labels == 0)[:1], np.flatnonzero(labels == 1))
    assert cross_validated(featured.take(one_cat), pack) is None
