"""A training that is interrupted goes on, and ends as if nothing had happened."""

import random
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from catdog_exp.networks.cnn import Cnn
from catdog_exp.plots.curves import training_curves
from catdog_exp.training import trainer
from catdog_exp.training.checkpoint import load_checkpoint
from catdog_exp.training.loop import Trained
from catdog_exp.training.optimizers import Adam, Lamb, RmsProp, Sgd
from catdog_exp.training.training_state import earlier_state, save_state
from tests.cli.forked import fork_context
from tests.learnable import halves
from tests.training.test_loop import go, lasting

OPTIMIZERS = [
    Sgd(momentum=0.9, nesterov=True, weight_decay=0.0005),
    RmsProp(rho=0.9, weight_decay=0.0005),
    Adam(beta1=0.9, beta2=0.999, weight_decay=0.0005),
    Lamb(beta1=0.9, beta2=0.999, weight_decay=0.01),
]


class Interruption(Exception):
    """Stands for whatever ends a training from outside."""


def interrupted(folder: Path, after: int, **changes: Any) -> None:
    """A training that is broken off when so many epochs are done."""

    def stop(epoch: int, _metrics: dict[str, float]) -> None:
        if epoch == after:
            raise Interruption

    with pytest.raises(Interruption):
        go(folder, on_epoch=stop, **changes)


def assert_equal(found: Trained, expected: Trained) -> None:
    assert found.params_sha256 == expected.params_sha256
    assert found.last.read_bytes() == expected.last.read_bytes()
    assert found.best.read_bytes() == expected.best.read_bytes()
    assert lasting(found.history) == lasting(expected.history)
    assert (found.best_epoch, found.best_value) == (expected.best_epoch, expected.best_value)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_goes_on_with_the_same_bytes_and_metrics(tmp_path, optimizer):
    settings = {"optimizer": optimizer, "epochs": 5, "average": 0.9, "clip": 1.0, "accumulate": 2}
    expected = go(tmp_path / "whole", **settings)
    interrupted(tmp_path / "parts", 2, **settings)
    interrupted(tmp_path / "parts", 4, **settings)
    told: list[int] = []
    found = go(tmp_path / "parts", on_epoch=lambda epoch, _: told.append(epoch), **settings)
    assert_equal(found, expected)
    assert told == [1, 2, 3, 4, 5]


def test_patience_counts_across_an_interruption(tmp_path):
    settings = {"epochs": 30, "patience": 3, "lr": 0.05}
    expected = go(tmp_path / "whole", **settings)
    interrupted(tmp_path / "parts", 2, **settings)
    assert_equal(go(tmp_path / "parts", **settings), expected)


def test_it_goes_on_from_a_history_without_a_metric_that_came_later(tmp_path):
    expected = go(tmp_path / "whole", epochs=4)
    interrupted(tmp_path / "parts", 2, epochs=4)
    state = earlier_state(tmp_path / "parts")
    for metrics in state.counters.history:
        del metrics["val/balanced_accuracy"]
    save_state(tmp_path / "parts", state)
    found = go(tmp_path / "parts", epochs=4)
    assert found.last.read_bytes() == expected.last.read_bytes()
    assert ["val/balanced_accuracy" in metrics for metrics in found.history] == [False, False, True, True]
    training_curves(found.history, tmp_path / "curves.png")


def test_it_goes_on_from_within_an_epoch(tmp_path, monkeypatch):
    settings = {"pictures": (halves(1300), halves(20, seed=1)), "epochs": 2, "checkpoint_minutes": 0.0}
    settings["class_weights"] = [1.0, 3.0]
    expected = go(tmp_path / "whole", **settings)
    saves = []

    def failing(folder: Path, state: Any) -> None:
        save(folder, state)
        saves.append((state.counters.epoch, state.counters.batches))
        if len(saves) == 6:
            raise Interruption

    save = trainer.save_state
    monkeypatch.setattr(trainer, "save_state", failing)
    with pytest.raises(Interruption):
        go(tmp_path / "parts", **settings)
    assert saves[-1] == (1, 100)
    monkeypatch.undo()
    assert_equal(go(tmp_path / "parts", **settings), expected)


@dataclass(frozen=True)
class Own(Cnn):
    """What a user might add."""


def test_a_network_of_the_user_s_own_goes_on_too(tmp_path, caplog):
    network = Own(layers=2, width=4, dense=[8], batch_norm=True, dropout=0.5)
    interrupted(tmp_path, 2, network=network)
    with caplog.at_level("INFO"):
        go(tmp_path, network=network)
    assert "going on after epoch 2 of 3" in caplog.text


class Judge:
    """In place of the validation: what it says of each epoch, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *accuracies: float) -> None:
        left = iter(accuracies)
        monkeypatch.setattr(trainer, "validated", lambda *_, **__: {"val/loss": 1.0, "val/accuracy": next(left)})


def test_the_best_is_that_of_the_state_it_goes_on_from_though_a_later_epoch_was_better(tmp_path, monkeypatch):
    """As on another device, where an epoch that is done again comes to something else."""
    Judge(monkeypatch, 0.6, 0.9)
    with monkeypatch.context() as patched, pytest.raises(Interruption):
        save = trainer.save_state

        def failing(folder: Path, state: Any) -> None:
            if state.counters.epoch == 2:  # whose checkpoint is written already
                raise Interruption
            save(folder, state)

        patched.setattr(trainer, "save_state", failing)
        go(tmp_path)
    Judge(monkeypatch, 0.5, 0.4)
    found = go(tmp_path)
    assert (found.best_epoch, found.best_value) == (1, 0.6)
    best = load_checkpoint(found.best)
    assert best.epoch == 1
    assert best.metrics["val/accuracy"] == 0.6


def test_the_state_before_a_damaged_one_has_its_own_best(tmp_path, monkeypatch):
    Judge(monkeypatch, 0.6, 0.5, 0.9)
    interrupted(tmp_path, 3, epochs=4)
    max(tmp_path.glob("state-*")).write_bytes(b"")
    Judge(monkeypatch, 0.4, 0.3)
    found = go(tmp_path, epochs=4)
    assert (found.best_epoch, found.best_value) == (1, 0.6)
    assert load_checkpoint(found.best).epoch == 1


def test_no_more_is_kept_than_the_states_need(tmp_path, monkeypatch):
    Judge(monkeypatch, 0.1, 0.2, 0.3, 0.4, 0.5)
    go(tmp_path, epochs=5)
    assert {path.name[:11] for path in tmp_path.glob("best-*")} == {"best-000004", "best-000005"}


def lose_the_best(folder: Path) -> None:
    for file in folder.glob("best*.safetensors"):
        file.unlink()


def test_a_best_checkpoint_that_is_lost_starts_anew(tmp_path, caplog):
    expected = go(tmp_path / "whole")
    interrupted(tmp_path / "parts", 2)
    lose_the_best(tmp_path / "parts")
    found = go(tmp_path / "parts")
    assert "starting anew" in caplog.text
    assert_equal(found, expected)


def test_starting_anew_forgets_what_was_there(tmp_path):
    expected = go(tmp_path / "whole", epochs=6)
    interrupted(tmp_path / "parts", 5, epochs=6)
    lose_the_best(tmp_path / "parts")
    interrupted(tmp_path / "parts", 1, epochs=6)
    assert_equal(go(tmp_path / "parts", epochs=6), expected)


def test_a_finished_training_is_not_done_again(tmp_path):
    expected = go(tmp_path)
    before = expected.last.read_bytes()
    told: list[int] = []
    again = go(tmp_path, on_epoch=lambda epoch, _: told.append(epoch))
    assert told == [1, 2, 3]
    assert again.history == expected.history
    assert again.last.read_bytes() == before
    assert load_checkpoint(again.last).epoch == 3


def train(folder: Path) -> None:
    go(folder, pictures=(halves(640, 16), halves(40, 16, 1)), epochs=12, batch_size=32, average=0.9)


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_the_same(tmp_path):
    def start(folder: Path) -> BaseProcess:
        process = fork_context().Process(target=train, args=(folder,))
        process.start()
        return process

    whole = start(tmp_path / "whole")
    whole.join(120)
    assert whole.exitcode == 0
    draw = random.Random(0)
    kills = 0
    while True:
        process = start(tmp_path / "parts")
        deadline = time.monotonic() + 60
        seen = sorted((tmp_path / "parts").glob("state-*"))
        while sorted((tmp_path / "parts").glob("state-*")) == seen and process.is_alive():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.3))
        if not process.is_alive():
            break
        process.kill()
        process.join()
        kills += 1
    assert process.exitcode == 0
    assert kills >= 3
    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
