"""Training: it learns, it is the same again, it keeps its best, it stops when told to or when it must."""

import dataclasses
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.networks.cnn import Cnn
from catdog_exp.networks.network import Network
from catdog_exp.networks.resnet import ResNet
from catdog_exp.training.checkpoint import load_checkpoint, params_sha256
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.loop import Trained, train
from catdog_exp.training.objective import EPOCH_METRICS, SPEED
from catdog_exp.training.optimizers import Adam, AdamW, Lamb, RmsProp, Sgd
from catdog_exp.training.schedules import Constant, Cosine
from tests.learnable import decoded, halves, short

CNN = Cnn(layers=2, width=4, dense=[8], batch_norm=True, dropout=0.2)
BASIC = AugmentConfig(random_crop=True, pad=1, flip="random")
OPTIMIZERS = [
    Sgd(momentum=0.9, nesterov=False, weight_decay=0.0005),
    Sgd(momentum=0.9, nesterov=True, weight_decay=0.0005),
    RmsProp(rho=0.9, weight_decay=0.0005),
    Adam(beta1=0.9, beta2=0.999, weight_decay=0.0005),
    AdamW(beta1=0.9, beta2=0.999, weight_decay=0.01),
    Lamb(beta1=0.9, beta2=0.999, weight_decay=0.01),
]


def go(folder: Path, network: Network = CNN, objective: str = "val/accuracy", **changes: Any) -> Trained:
    """A short training; `changes` are of its TrainConfig, but for pictures, augment, batch_size, dtype and on_epoch."""
    pictures = changes.pop("pictures", (halves(48), halves(20, seed=1)))
    hardware = HardwareConfig("cpu", changes.pop("batch_size", 8), None, dtype=changes.pop("dtype", "float32"))
    on_epoch = changes.pop("on_epoch", lambda _epoch, _metrics: None)
    threads, given = changes.pop("threads", 1), changes.pop("given", None)
    augment = changes.pop("augment", BASIC)
    config = short(**changes)
    return train(
        network, config, augment, hardware, objective, *pictures, ["cat", "dog"], folder, on_epoch, threads, given
    )


def lasting(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """The metrics of all epochs, without the speed."""
    return [{name: value for name, value in metrics.items() if name != SPEED} for metrics in history]


@pytest.mark.parametrize(
    "network",
    [
        CNN,
        Cnn(layers=1, width=4, dense=[], batch_norm=False, dropout=0.0),
        ResNet(layers=8, width=4, dropout=0.1),
    ],
)
def test_it_learns(tmp_path, network):
    trained = go(tmp_path, network, epochs=8)
    assert trained.best_value > 0.9
    assert trained.history[-1]["train/loss"] < trained.history[0]["train/loss"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_learns_with_every_optimizer(tmp_path, optimizer):
    assert go(tmp_path, epochs=8, optimizer=optimizer, lr=0.005).best_value > 0.9


def test_each_epoch_has_the_same_metrics_and_is_told_in_order(tmp_path):
    told: list[tuple[int, dict[str, float]]] = []

    def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
        told.append((epoch, metrics))

    trained = go(tmp_path, on_epoch=on_epoch)
    assert [epoch for epoch, _ in told] == [1, 2, 3]
    assert [metrics for _, metrics in told] == trained.history
    assert all(tuple(sorted(metrics)) == tuple(sorted(EPOCH_METRICS)) for metrics in trained.history)
    assert len(trained.history) == 3
    assert all(math.isfinite(value) for metrics in trained.history for value in metrics.values())


def test_the_rate_follows_the_schedule(tmp_path):
    trained = go(tmp_path, lr=0.01, schedule=Cosine(1.0, 0.0))
    found = [metrics["lr"] for metrics in trained.history]
    schedule = Cosine(1.0, 0.0)
    assert found == pytest.approx([0.01 * schedule.factor(step, 18, 6) for step in (5, 11, 17)])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_runs_give_the_same_bytes_and_another_seed_gives_others(tmp_path, optimizer):
    one, two = (go(tmp_path / name, optimizer=optimizer) for name in ("one", "two"))
    other = go(tmp_path / "other", optimizer=optimizer, seed=1)
    assert one.last.read_bytes() == two.last.read_bytes()
    assert one.best.read_bytes() == two.best.read_bytes()
    assert one.params_sha256 == two.params_sha256 != other.params_sha256


def test_what_the_checkpoints_hold(tmp_path):
    trained = go(tmp_path)
    last, best = load_checkpoint(trained.last), load_checkpoint(trained.best)
    assert last.network == CNN
    assert (last.classes, last.size, last.epoch, last.seed) == (["cat", "dog"], 8, 3, 0)
    assert last.objective == "val/accuracy"
    assert params_sha256(last.parameters) == trained.params_sha256
    assert best.epoch == trained.best_epoch
    assert best.metrics["val/accuracy"] == trained.best_value
    assert "images_per_second" not in last.metrics
    assert {path.name for path in tmp_path.glob("[!s]*")} == {
        "last.safetensors",
        "best.safetensors",
        f"best-{trained.best_epoch:06d}.safetensors",
        f"best-{trained.best_epoch:06d}-copy.safetensors",
    }


@pytest.mark.parametrize(
    ("objective", "choose"),
    [("val/loss", min), ("val/accuracy", max), ("val/balanced_accuracy", max), ("train/loss", min)],
)
def test_the_best_epoch_is_the_first_with_the_best_objective(tmp_path, objective, choose):
    pictures = (halves(60, every=5, by=20), halves(30, every=5, by=20, seed=1))
    trained = go(tmp_path, objective=objective, epochs=6, lr=0.1, pictures=pictures)
    values = [metrics[objective] for metrics in trained.history]
    assert trained.best_value == choose(values)
    assert trained.best_epoch == values.index(choose(values)) + 1


def test_balanced_accuracy_is_the_mean_recall_of_the_validation_pictures(tmp_path):
    pictures = (halves(60, every=5, by=20), halves(30, every=5, by=20, seed=1))
    trained = go(tmp_path, pictures=pictures, epochs=8)
    truth = pictures[1].labels
    right = Classifier.load(trained.last).probabilities_of(pictures[1]).argmax(axis=1) == truth
    expected = np.mean([right[truth == label].mean() for label in (0, 1)])
    assert trained.history[-1]["val/balanced_accuracy"] == pytest.approx(expected)
    assert trained.history[-1]["val/accuracy"] == right.mean() != pytest.approx(expected)


def test_the_labels_of_validation_are_judged_as_a_whole_whatever_the_batch(tmp_path):
    pictures = (halves(48), halves(21, seed=1))
    still = {"network": Cnn(1, 4, [], False, 0.0), "epochs": 1, "lr": 1e-12, "pictures": pictures}
    found = [go(tmp_path / str(size), batch_size=size, **still).history[0] for size in (4, 16, 21, 48)]
    assert len({metrics["val/accuracy"] for metrics in found}) == 1
    assert [metrics["val/loss"] for metrics in found] == pytest.approx([found[0]["val/loss"]] * 4)


def test_trained_on_fewer_pixels_it_is_judged_and_kept_for_all_of_them(tmp_path):
    pictures = halves(48, size=16), halves(20, size=16, seed=1)
    small = dataclasses.replace(BASIC, size=8)
    trained = go(tmp_path, ResNet(layers=8, width=4, dropout=0.0), pictures=pictures, augment=small, epochs=6)
    assert load_checkpoint(trained.best).size == 16
    assert trained.best_value > 0.9


def test_patience_stops_after_so_many_epochs_without_a_better_objective(tmp_path):
    # With a rate this small no epoch changes the accuracy.
    still = go(tmp_path, Cnn(1, 4, [], False, 0.0), epochs=9, lr=1e-12, patience=2)
    assert (still.best_epoch, len(still.history)) == (1, 3)
    assert load_checkpoint(still.last).epoch == 3


def test_without_patience_all_epochs_are_done(tmp_path):
    still = go(tmp_path, Cnn(1, 4, [], False, 0.0), epochs=5, lr=1e-12)
    assert (still.best_epoch, len(still.history)) == (1, 5)


def test_a_loss_that_is_no_number_stops_with_a_line_that_says_where_and_what_to_do(tmp_path):
    with pytest.raises(UserError) as caught:
        go(tmp_path, Cnn(2, 4, [8], False, 0.0), lr=1e30, schedule=Constant(0.0))
    line = str(caught.value)
    assert line.startswith("epoch 1, batch ")
    assert "learning rate of 1e+30: try a smaller train.lr" in line
    assert "\n" not in line


def test_an_objective_that_is_no_metric_stops_it_before_any_work(tmp_path):
    with pytest.raises(UserError, match="objective=accuracy: must be one of"):
        go(tmp_path / "none", objective="accuracy")
    assert not (tmp_path / "none").exists()


def test_a_side_without_pictures_is_refused(tmp_path):
    nothing = halves(2)
    nothing = dataclasses.replace(nothing, labels=nothing.labels[:0], heights=nothing.heights[:0])
    with pytest.raises(UserError, match=r"48 pictures to train on and 0 to validate with"):
        go(tmp_path, pictures=(halves(48), nothing))


def test_one_picture_of_one_class_is_enough(tmp_path):
    picture = np.zeros((8, 8, 3), np.uint8)
    alone = decoded([picture], [0], 8)
    assert len(go(tmp_path, pictures=(alone, alone), batch_size=64).history) == 3


@pytest.mark.parametrize("network", [CNN, ResNet(layers=8, width=16, dropout=0.1)])
def test_any_number_of_threads_gives_the_same_bytes(tmp_path, network):
    settings = {"pictures": (halves(130, 32), halves(70, 32, 1)), "class_weights": [1.0, 3.0], "average": 0.9}
    one, *others = (
        go(tmp_path / str(threads), network, batch_size=64, threads=threads, **settings) for threads in (1, 2, 4)
    )
    assert [other.params_sha256 for other in others] == [one.params_sha256] * 2
    assert [lasting(other.history) for other in others] == [lasting(one.history)] * 2


@pytest.mark.slow
def test_another_process_gives_the_same_bytes_whatever_its_environment(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.training.test_loop import *; "
        "go(Path(sys.argv[1]), pictures=(halves(200, 32), halves(40, 32, 1)), batch_size=64)"
    )
    for threads in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", code, tmp_path / threads]
        subprocess.run(command, env=environment, check=True, timeout=120)
    assert (tmp_path / "1" / "last.safetensors").read_bytes() == (tmp_path / "2" / "last.safetensors").read_bytes()
