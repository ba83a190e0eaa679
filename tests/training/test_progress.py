"""What people see of a training."""

import io
import logging
import sys

import pytest

from catdog_exp.training.progress import EpochProgress
from tests.screen import screen

METRICS = {
    "train/loss": 0.5,
    "train/accuracy": 0.75,
    "val/loss": 0.625,
    "val/accuracy": 0.6875,
    "lr": 0.1,
    "images_per_second": 1234.4,
}


def one_epoch() -> None:
    with EpochProgress(2, 15, 30) as progress:
        for _ in range(3):
            progress.step(10, 0.6, 0.7)
        progress.done(METRICS)


def test_a_terminal_gets_a_bar_while_the_epoch_runs_and_then_its_line(terminal, caplog):
    shown = terminal()
    with caplog.at_level(logging.INFO):
        one_epoch()
    assert "epoch 2/15 " in shown.getvalue()
    assert "30/30" in shown.getvalue()
    assert screen(shown.getvalue()) == ["", ""]
    [record] = caplog.records
    assert record.getMessage().startswith("epoch 2/15: loss 0.500")


def test_elsewhere_an_epoch_is_one_line_in_the_log(monkeypatch, caplog):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with caplog.at_level(logging.INFO):
        one_epoch()
    [record] = caplog.records
    assert record.getMessage() == (
        "epoch 2/15: loss 0.500 accuracy 0.750, validation loss 0.625 accuracy 0.688, 1234 images/s"
    )
    assert stream.getvalue() == ""


def test_an_interrupted_epoch_closes_its_bar_and_passes_the_interruption_on(terminal):
    shown = terminal()
    with pytest.raises(KeyboardInterrupt), EpochProgress(1, 1, 30) as progress:
        progress.step(10, 0.6, 0.7)
        raise KeyboardInterrupt
    assert "10/30" in shown.getvalue()
    assert screen(shown.getvalue()) == ["", ""]
