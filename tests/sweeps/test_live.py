"""What people see of a sweep while it runs, by the files that its jobs write."""

import contextlib
import fcntl
import logging
import os
import pty
import struct
import sys
import termios
import threading
import time

import pytest

from catdog_exp import console
from catdog_exp.sweeps import live
from catdog_exp.sweeps.jobs import OUTCOME, PROGRESS, Outcome, Progress, write
from catdog_exp.sweeps.live import live_view
from tests.screen import screen
from tests.sweeps.made import failed, finished, job


@pytest.fixture
def terminal():
    """A stream that is a terminal of 60 columns, and what is on it so far, as a function."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    os.set_blocking(ours, False)
    written = bytearray()

    def text() -> str:
        with contextlib.suppress(BlockingIOError):
            written.extend(os.read(ours, 65536))
        return written.decode(errors="ignore")

    with os.fdopen(theirs, "w") as stream:
        yield stream, text
    os.close(ours)


@pytest.fixture(autouse=True)
def quick(monkeypatch, caplog):
    monkeypatch.setattr(live, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(live, "SAY_EVERY", 0.0)
    caplog.set_level(logging.INFO)


def until(condition):
    last = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.01)


def folder_of(tmp_path, number):
    folder = tmp_path / str(number)
    folder.mkdir(exist_ok=True)
    return folder


def test_each_job_that_ends_is_one_line(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(live, "SAY_EVERY", 3600.0)
    jobs = [job(number, model__layers=number) for number in range(7)]
    outcomes = {
        0: finished(0.8132),
        1: Outcome("reused", 0.8, "1a2b3c4d" * 4, "", 60.0),
        2: failed("ended by SIGKILL"),
        3: Outcome("pruned", 0.5, None, "", 5.0, "worse than most"),
        4: Outcome("skipped", None, None, "", 0.0, "under way on host b"),
        5: Outcome("stopped", None, None, "", 0.0, "the sweep was ended"),
    }

    def run_jobs():
        for number, outcome in outcomes.items():
            folder_of(tmp_path, number)
            if number == 2:
                (tmp_path / "2" / "run.log").write_text("…")
            write(tmp_path / str(number) / OUTCOME, outcome)
            time.sleep(0.015)

    with live_view(tmp_path, lambda: jobs, "val/accuracy"):
        writer = threading.Thread(target=run_jobs)
        writer.start()
        writer.join()
    assert caplog.messages == [
        "job 0 (model.layers=0): val/accuracy 0.8132 in 0:01:12, run 1a2b3c4d",
        "job 1 (model.layers=1): finished before as run 1a2b3c4d, val/accuracy 0.8000",
        f"job 2 (model.layers=2): failed: ended by SIGKILL; its log: {tmp_path / '2' / 'run.log'}",
        "job 3 (model.layers=3): given up early at val/accuracy 0.5000 in 0:00:05: worse than most",
        "job 4 (model.layers=4): skipped: under way on host b",
        "job 5 (model.layers=5): stopped: the sweep was ended",
    ]


def test_what_ends_at_the_last_moment_is_told_once_whatever_ends_the_block(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(live, "LOOK_EVERY", 3600.0)
    with pytest.raises(KeyboardInterrupt), live_view(tmp_path, lambda: [job(0)], "val/accuracy"):
        write(folder_of(tmp_path, 0) / OUTCOME, finished(0.5))
        raise KeyboardInterrupt
    assert caplog.messages == ["job 0: val/accuracy 0.5000 in 0:01:12, run 1a2b3c4d"]


def test_off_a_terminal_the_state_is_a_line_of_the_log_when_it_changes(tmp_path, caplog):
    jobs = [job(number) for number in range(4)]
    with live_view(tmp_path, lambda: jobs, "val/accuracy"):
        until(lambda: "0 of 4 done, 4 waiting" in caplog.messages)
        write(folder_of(tmp_path, 0) / OUTCOME, finished(0.5))
        write(folder_of(tmp_path, 1) / OUTCOME, failed("broken"))
        write(folder_of(tmp_path, 2) / PROGRESS, Progress(4, 15, 0.71, 50.0, 130.0))
        line = "1 of 4 done, 1 failed, 1 waiting; running: 2 (epoch 4/15, val/accuracy 0.7100, 2 min left)"
        until(lambda: line in caplog.messages)
        write(tmp_path / "2" / PROGRESS, Progress(5, 15, 0.72, 50.0, None))
        folder_of(tmp_path, 3)
        line = "1 of 4 done, 1 failed; running: 2 (epoch 5/15, val/accuracy 0.7200), 3 (starting)"
        until(lambda: line in caplog.messages)
    assert len(set(caplog.messages)) == len(caplog.messages)


def test_the_log_is_not_filled_with_states(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(live, "SAY_EVERY", 60.0)
    with live_view(tmp_path, lambda: [job(0), job(1)], "val/accuracy"):
        for epoch in range(5):
            write(folder_of(tmp_path, 0) / PROGRESS, Progress(epoch, 5, 0.5, 1.0, None))
            time.sleep(0.03)
    assert caplog.messages == []


def test_on_a_terminal_the_state_is_one_line_at_the_bottom(tmp_path, caplog, monkeypatch, terminal):
    stream, text = terminal
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    console._console.cache_clear()
    with live_view(tmp_path, lambda: [job(number) for number in range(30)], "val/accuracy"):
        for number in range(20):
            folder_of(tmp_path, number)
        until(lambda: "10 waiting; running: 0 (starting), 1" in text())
        assert screen(text()) == ["0 of 30 done, 10 waiting; running: 0 (starting), 1 (startin…"]
    assert caplog.messages == []
    assert screen(text()) == ["", ""]  # it goes when the sweep ends


def test_many_running_jobs_are_counted(tmp_path, caplog):
    for number in range(20):
        folder_of(tmp_path, number)
    with live_view(tmp_path, lambda: [job(number) for number in range(20)], "val/accuracy"):
        until(lambda: caplog.messages)
    assert caplog.messages[0].endswith("7 (starting), 12 more")


def test_half_written_files_are_read_again(tmp_path, caplog):
    folder = folder_of(tmp_path, 0)
    (folder / PROGRESS).write_text('{"epoch": 3, "epo')
    (folder / OUTCOME).write_text('{"status": "fini')
    with live_view(tmp_path, lambda: [job(0)], "val/accuracy"):
        until(lambda: caplog.messages == ["0 of 1 done; running: 0 (starting)"])
        write(folder / OUTCOME, finished(0.5))
    assert caplog.messages[1].startswith("job 0: val/accuracy 0.5000")


def test_jobs_that_a_search_adds_are_seen(tmp_path, caplog):
    jobs = [job(0)]
    with live_view(tmp_path, lambda: list(jobs), "val/accuracy"):
        write(folder_of(tmp_path, 1) / OUTCOME, finished(0.5))
        until(lambda: caplog.messages == ["0 of 1 done, 1 waiting"])
        jobs.append(job(1))
    assert sum(line.startswith("job 1: ") for line in caplog.messages) == 1


def test_a_folder_that_is_not_there_yet_is_no_error(tmp_path, caplog):
    with live_view(tmp_path / "later", lambda: [job(0)], "val/accuracy"):
        until(lambda: caplog.messages == ["0 of 1 done, 1 waiting"])
