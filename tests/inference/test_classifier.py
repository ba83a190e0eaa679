"""A classifier from a checkpoint file alone."""

from pathlib import Path

import numpy as np
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.networks.cnn import Cnn
from catdog_exp.networks.network import Network
from catdog_exp.networks.resnet import ResNet
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.loop import Trained, train
from tests.learnable import halves, short

VALIDATION = halves(30, seed=1)
CNN = Cnn(layers=2, width=4, dense=[8], batch_norm=True, dropout=0.5)


def trained(folder: Path, network: Network) -> Trained:
    return train(
        network,
        short(),
        AugmentConfig(random_crop=True, pad=1, flip="random"),
        HardwareConfig("cpu", 8, None),
        "val/accuracy",
        halves(48),
        VALIDATION,
        ["cat", "dog"],
        folder,
        lambda _epoch, _metrics: None,
    )


@pytest.mark.parametrize("network", [CNN, ResNet(layers=8, width=4, dropout=0.0)])
def test_it_judges_as_the_network_did_at_the_end_of_its_training(tmp_path, network):
    run = trained(tmp_path, network)
    classifier = Classifier.load(run.last, batch_size=8)
    probabilities = classifier.probabilities_of(VALIDATION)
    assert np.array_equal(probabilities, classifier.probabilities(VALIDATION.crops()))
    truth = probabilities[np.arange(len(VALIDATION)), VALIDATION.labels].astype(np.float64)
    assert -np.log(truth).mean() == pytest.approx(run.history[-1]["val/loss"], rel=1e-5)
    right = probabilities.argmax(axis=1) == VALIDATION.labels
    assert right.mean() == run.history[-1]["val/accuracy"]


def test_it_tells_what_it_is(tmp_path):
    run = trained(tmp_path, CNN)
    classifier = Classifier.load(run.best)
    assert (classifier.classes, classifier.size) == (["cat", "dog"], 8)
    assert classifier.checkpoint.epoch == run.best_epoch
    assert classifier.checkpoint.network == CNN


def test_probabilities_are_rows_that_sum_to_one_whatever_the_batch(tmp_path):
    path = trained(tmp_path, CNN).last
    crops = VALIDATION.crops()
    whole = Classifier.load(path, batch_size=64).probabilities(crops)
    assert whole.shape == (30, 2)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(axis=1), 1, rtol=1e-6)
    parts = Classifier.load(path, batch_size=7).probabilities(crops)
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-6)


def test_one_picture_and_none(tmp_path):
    classifier = Classifier.load(trained(tmp_path, CNN).last)
    crops = VALIDATION.crops()
    many = classifier.probabilities(crops)
    np.testing.assert_allclose(classifier.probabilities(crops[:1]), many[:1], rtol=1e-4, atol=1e-6)
    assert classifier.probabilities(crops[:0]).shape == (0, 2)


def test_squares_of_another_size_or_kind_are_refused(tmp_path):
    classifier = Classifier.load(trained(tmp_path, CNN).last)
    with pytest.raises(ValueError, match=r"\(N, 8, 8, 3\)"):
        classifier.probabilities(np.zeros((1, 9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        classifier.probabilities(np.zeros((1, 8, 8, 3), np.float32))


def test_a_checkpoint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.safetensors: there is no such checkpoint file"):
        Classifier.load(tmp_path / "none.safetensors")


def test_a_checkpoint_of_another_network_is_named(tmp_path):
    path = trained(tmp_path, CNN).last
    content = path.read_bytes()
    path.write_bytes(content.replace(b'\\"width\\": 4', b'\\"width\\": 5'))
    assert path.read_bytes() != content
    with pytest.raises(UserError, match=r"last\.safetensors: .* parameters are not this network's"):
        Classifier.load(path)
