"""`train.lr=find`: the rate that is found, that it is found again, and that it trains."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.errors import UserError
from catdog_exp.networks.cnn import Cnn
from catdog_exp.training import trainer
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.loop import Begun, Trained, train
from catdog_exp.training.optimizers import Adam, AdamW, Lamb, Optimizer, RmsProp, Sgd
from catdog_exp.training.range_test import FIRST, LAST, STEPS, found_rate, range_test
from tests.learnable import halves, short

CNN = Cnn(layers=2, width=4, dense=[8], batch_norm=True, dropout=0.2)
SGD = Sgd(momentum=0.9, nesterov=False, weight_decay=0.0005)


def go(folder: Path, optimizer: Optimizer = SGD, lr: Any = "find", **options: Any) -> tuple[Trained, list[Begun]]:
    begun: list[Begun] = []
    config, hardware = short(lr=lr, optimizer=optimizer, epochs=6), HardwareConfig("cpu", 8, None)
    pictures = halves(48), halves(20, seed=1)
    options = {"on_epoch": lambda _epoch, _metrics: None, **options}
    augment = AugmentConfig(random_crop=True, pad=1, flip="random")
    told = train(
        *(CNN, config, augment, hardware, "val/accuracy", *pictures, ["cat", "dog"], folder),
        on_begin=begun.append,
        **options,
    )
    return told, begun


def falling(rate: float) -> float:
    """A loss that falls between 0.001 and 0.1, and explodes beyond 1."""
    return 1 - 0.4 * np.clip(math.log10(rate / 0.001), 0, 2) if rate < 1 else 100 * rate


def test_the_rate_is_where_nearly_all_of_the_decline_is_done():
    curve = range_test(falling)
    assert 0.01 < found_rate(curve) < 0.3
    assert found_rate(curve) == float(f"{found_rate(curve):.2g}")
    assert curve[0][0] == FIRST
    assert 1 <= curve[-1][0] < LAST  # it ends where the loss explodes
    assert len(curve) < STEPS


@pytest.mark.parametrize("loss", [lambda rate: 1 + rate, lambda _rate: math.nan, lambda _rate: 0.5])
def test_where_nothing_lowers_the_loss_one_line_says_so(loss):
    with pytest.raises(UserError, match=r"^train\.lr=find: the loss goes down at no rate from 1e-06 to 10; give "):
        found_rate(range_test(loss))


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD,
        Sgd(momentum=0.9, nesterov=True, weight_decay=0.0005),
        RmsProp(rho=0.9, weight_decay=0.0),
        Adam(beta1=0.9, beta2=0.999, weight_decay=0.0),
        AdamW(beta1=0.9, beta2=0.999, weight_decay=0.01),
        Lamb(beta1=0.9, beta2=0.999, weight_decay=0.01),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_the_rate_trains_with_every_optimizer(tmp_path, optimizer):
    trained, (begun,) = go(tmp_path, optimizer)
    assert trained.best_value > 0.9
    assert begun.curve is not None
    assert begun.lr == found_rate(begun.curve)


def test_the_search_leaves_no_trace_but_the_rate(tmp_path):
    found, (begun,) = go(tmp_path / "found")
    given, (none,) = go(tmp_path / "given", lr=begun.lr)
    assert none.curve is None
    assert found.last.read_bytes() == given.last.read_bytes()


def test_a_training_that_goes_on_does_not_search_again(tmp_path, monkeypatch):
    whole, (first,) = go(tmp_path / "whole")

    class Cut(Exception):
        pass

    def cut(*_: Any) -> None:
        raise Cut

    def right_after_the_search(folder: Path) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(trainer.Trainer, "epoch", cut)
            go(folder)

    for name, interrupted in (("0", right_after_the_search), ("1", lambda folder: go(folder, on_epoch=cut))):
        with pytest.raises(Cut):
            interrupted(tmp_path / name)
        with monkeypatch.context() as patched:
            patched.setattr(trainer, "searched", cut)
            again, (begun,) = go(tmp_path / name)
        assert begun == first
        assert again.last.read_bytes() == whole.last.read_bytes()
