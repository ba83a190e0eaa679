"""Weights of unequal classes: what they are, what they make of the loss, and what they are good for."""

import numpy as np
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.decoded import DecodedPictures
from catdog_exp.errors import UserError
from catdog_exp.images.decode import decode_picture
from catdog_exp.inference.classifier import Classifier
from catdog_exp.networks.cnn import Cnn
from catdog_exp.reading import read
from catdog_exp.sources.synthetic.drawing import draw
from catdog_exp.training.class_weights import class_weights
from catdog_exp.training.config import TrainConfig
from tests.learnable import decoded, halves
from tests.test_schema import TRAIN
from tests.training.test_loop import go, lasting


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.repeat([0, 1, 2], [70, 20, 10])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(class_weights("balanced", labels, 3), expected, rtol=1e-6)


def test_the_mean_weight_over_the_pictures_is_one():
    labels = np.repeat([0, 1], [30, 10])
    np.testing.assert_allclose(class_weights([2.0, 6.0], labels, 2), [2 / 3, 2])
    # Of a class without pictures nothing is known.
    np.testing.assert_allclose(class_weights("balanced", labels, 3)[:2] @ [30, 10], 40)


def test_the_loss_counts_targets_by_their_class_and_validation_counts_all_alike(tmp_path):
    pictures, smoothing = halves(40, every=5), 0.2
    still = {"network": Cnn(1, 4, [], False, 0.0), "epochs": 1, "lr": 1e-12, "pictures": (pictures, pictures)}
    run = go(tmp_path, augment=AugmentConfig(label_smoothing=smoothing), class_weights=[1.0, 7.0], **still)
    surprise = -np.log(Classifier.load(run.last).probabilities_of(pictures))
    truth = np.eye(2)[pictures.labels]
    targets = truth * (1 - smoothing) + smoothing / 2
    weights = np.array([1, 7]) / (0.8 * 1 + 0.2 * 7)
    assert run.history[0]["train/loss"] == pytest.approx((weights * targets * surprise).sum() / 40, rel=1e-4)
    assert run.history[0]["val/loss"] == pytest.approx((truth * surprise).sum() / 40, rel=1e-4)


def test_weights_do_not_change_which_answers_are_right(tmp_path):
    # Mixed pictures' targets, weighted, would have the rare class as their largest one.
    mixed = {"augment": AugmentConfig(mixup=1.0), "pictures": (halves(40, every=5), halves(20, every=5))}
    still = {"network": Cnn(1, 4, [], False, 0.0), "epochs": 1, "lr": 1e-12, **mixed}
    plain, weighted = (go(tmp_path / str(number), class_weights=[1.0, number], **still) for number in (1.0, 9.0))
    assert weighted.history[0]["train/accuracy"] == plain.history[0]["train/accuracy"]
    assert weighted.history[0]["train/loss"] != plain.history[0]["train/loss"]


def test_with_equal_classes_balanced_is_none(tmp_path):
    plain, balanced = (go(tmp_path / name, class_weights=name) for name in ("none", "balanced"))
    assert balanced.params_sha256 == plain.params_sha256
    assert lasting(balanced.history) == lasting(plain.history)


def drawn(count: int, seed: int) -> DecodedPictures:
    """Drawn cats, and one dog for nine of them, 16 pixels."""
    labels = [int(number % 10 == 9) for number in range(count)]
    files = (draw(label, seed, number) for number, label in enumerate(labels))
    return decoded([decode_picture(file, short_edge=16)[..., ::-1] for file in files], labels, 16)


def test_balanced_weights_find_the_rare_class(tmp_path):
    pictures = drawn(400, seed=0), drawn(200, seed=1)
    settings = {"network": Cnn(3, 8, [16], True, 0.0), "pictures": pictures, "batch_size": 32, "epochs": 12}
    plain, balanced = (
        go(tmp_path / name, class_weights=name, objective="val/balanced_accuracy", **settings)
        for name in ("none", "balanced")
    )
    assert balanced.best_value > plain.best_value + 0.1
    assert balanced.history[-1]["val/balanced_accuracy"] > plain.history[-1]["val/balanced_accuracy"] + 0.1


@pytest.mark.parametrize("wrong", ["even", [1.0, 0.0], [1.0, -1.0], [1.0, float("inf")], [True, 1.0], 2.0, None])
def test_other_weights_are_refused_in_one_line(wrong):
    with pytest.raises(UserError) as caught:
        read(TrainConfig, {**TRAIN, "class_weights": wrong}, "train")
    line = str(caught.value)
    assert line.startswith(f"train.class_weights={wrong!r}: ")
    assert "\n" not in line
