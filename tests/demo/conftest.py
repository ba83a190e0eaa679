"""The demo with an untrained network."""

import pytest

from catdog_exp.demo.answers import Answers
from catdog_exp.demo.application import application
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.trained_network import Runs
from catdog_exp.networks.cnn import Cnn
from catdog_exp.tracking.config import TrackingConfig
from tests.checkpoints import save_drawn
from tests.demo.serving import served
from tests.tracking.conftest import ready, tracking

__all__ = ["ready", "tracking"]

RUN = "0123456789abcdef" * 2  # id of the run that the network is of
SIZE = 16


@pytest.fixture(scope="package")
def classifier(tmp_path_factory):
    network = Cnn(layers=2, width=4, dense=[], batch_norm=True, dropout=0.0)
    return Classifier.load(save_drawn(tmp_path_factory.mktemp("network"), network, SIZE))


@pytest.fixture(scope="package")
def port(classifier, tmp_path_factory):
    """Where it is served; there are no runs at MLflow."""
    folder = tmp_path_factory.mktemp("nothing")
    config = TrackingConfig(True, f"sqlite:///{folder}/mlflow.db", "cats", None, None)
    runs = Runs(config, "val/accuracy", folder, Cnn)
    answers = Answers(lambda run_id: {RUN: classifier}[run_id], 2, 20_000_000)
    with served(application(runs, answers, RUN, None, ["127.0.0.1", "pets.example.org"])) as found:
        yield found
    answers.close()
