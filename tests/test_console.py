"""Progress bars and log lines on one terminal."""

import logging
import os
import subprocess
import sys

import pytest

from catdog_exp.console import ConsoleHandler, say
from tests.screen import on_a_terminal, screen

WORK = """
import logging, pathlib, time, warnings
from catdog_exp.console import ConsoleHandler, ProgressBar
from catdog_exp.training.progress import EpochProgress

logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[ConsoleHandler()])
logging.info("begun")
with ProgressBar("drawing [red]", 40, "pictures") as bar:
    for number in range(40):
        bar.advance(1)
        time.sleep(0.02)
        if number % 10 == 9:
            logging.info("[red]line[/red] :cat: %d %s", number, "x" * 100)
        if number == 25:
            warnings.warn("careful")
with ProgressBar("predicting", None, "pictures", leave=False) as bar:
    bar.advance(30)
with EpochProgress(1, 1, 3) as progress:
    for number in range(3):
        progress.step(1, 0.5, 0.75)
        time.sleep(0.3)
    progress.done({"train/loss": 0.5, "train/accuracy": 0.75, "val/loss": 1, "val/accuracy": 1, "images_per_second": 3})
pathlib.Path("ended").touch()
"""
LINES = ["begun", *(f"[red]line[/red] :cat: {number} {'x' * 100}" for number in (9, 19, 29, 39))]
EPOCH = "epoch 1/1: loss 0.500 accuracy 0.750, validation loss 1.000 accuracy 1.000, 3 images/s"


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work.py").write_text(WORK)
    return [sys.executable, tmp_path / "work.py"]


def test_lines_and_warnings_stand_whole_above_the_bar(work, tmp_path):
    written, process = on_a_terminal(work, tmp_path, os.environ, lambda _: False)
    assert process.wait(60) == 0
    shown = screen(written)
    assert [line for line in shown if line in LINES] == LINES
    assert sum("UserWarning: careful" in line for line in shown) == 1
    bar = [line for line in shown if line.startswith("drawing [red]")]
    assert len(bar) == 1
    assert "100%" in bar[0]
    assert "40/40" in bar[0]
    assert "pictures/s" in bar[0]
    assert shown.index(bar[0]) > shown.index(LINES[-1])
    assert shown[-2:] == [EPOCH, ""]  # an epoch's bar goes
    assert "loss 0.500 accuracy 0.750" in written.partition("epoch 1/1 ")[2]
    assert "\x1b[?25l" not in written  # a hidden cursor would be missing after a kill


def test_a_bar_is_drawn_a_few_times_a_second(work, tmp_path):
    written, _ = on_a_terminal(work, tmp_path, os.environ, lambda _: False)
    assert written.count("drawing [red]") < 20


def test_off_a_terminal_there_are_plain_lines_alone(work, tmp_path):
    done = subprocess.run(work, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == [*LINES, EPOCH]
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr
    assert "drawing" not in done.stderr


def test_lines_that_go_to_a_file_leave_the_bar_on_the_terminal(work, tmp_path):
    with (tmp_path / "out").open("w") as out:
        written, process = on_a_terminal(work, tmp_path, os.environ, lambda _: False, stdout=out)
    assert process.wait(60) == 0
    assert (tmp_path / "out").read_text().splitlines() == [*LINES, EPOCH]
    assert any("40/40" in line for line in screen(written))


def test_a_closed_terminal_does_not_end_the_work(work, tmp_path):
    _, process = on_a_terminal(work, tmp_path, os.environ, lambda written: "19 xxx" in written)
    process.wait(60)
    assert (tmp_path / "ended").exists()


def test_a_terminal_that_can_draw_nothing_anew_gets_plain_lines(work, tmp_path):
    command = ["env", "TERM=dumb", *work]
    written, process = on_a_terminal(command, tmp_path, os.environ, lambda _: False)
    assert process.wait(60) == 0
    assert "\x1b" not in written
    assert [line for line in screen(written) if line in LINES] == LINES


@pytest.mark.parametrize("disabled", ["level", "handlers", None])
def test_a_result_is_said_whether_logging_is_disabled_or_not(disabled, capsys):
    log = logging.Logger("of.nobody", logging.ERROR if disabled == "level" else logging.INFO)
    if disabled != "handlers":
        log.addHandler(ConsoleHandler())
    say(log, "best val/accuracy: 0.9 of 100 %")
    assert capsys.readouterr().out == "best val/accuracy: 0.9 of 100 %\n"
