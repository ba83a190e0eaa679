"""What people see of a sweep while it runs, by the files that its jobs write."""

import contextlib
import fcntl
import logging
import os
import pty
import struct
import sys
import termios

import pytest

from catdog_exp import console
from catdog_exp.experiment.run_lock import WAITING
from catdog_exp.sweeps import live
from catdog_exp.sweeps.jobs import PROGRESS, Outcome, Progress, write
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
    monkeypatch.setattr(live, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(live, "SAY_EVERY", 0.0)
    caplog.set_level(logging.INFO)


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
    (folder_of(tmp_path, 2) / "run.log").write_text("…")
    with live_view(tmp_path, "val/accuracy", None) as show:
        for count in range(7):
            show(jobs, {number: outcomes[number] for number in range(count)}, [])
        show(jobs, outcomes, [])
    assert caplog.messages == [
        "job 0 (model.layers=0): val/accuracy 0.8132 in 0:01:12, run 1a2b3c4d",
        "job 1 (model.layers=1): finished before as run 1a2b3c4d, val/accuracy 0.8000",
        f"job 2 (model.layers=2): failed: ended by SIGKILL; its log: {tmp_path / '2' / 'run.log'}",
        "job 3 (model.layers=3): given up early at val/accuracy 0.5000 in 0:00:05: worse than most",
        "job 4 (model.layers=4): skipped: under way on host b",
        "job 5 (model.layers=5): stopped: the sweep was ended",
    ]


def test_off_a_terminal_the_state_is_a_line_of_the_log_when_it_changes(tmp_path, caplog):
    jobs = [job(number, train__lr=0.1 * number) for number in range(4)]
    ended = {}
    with live_view(tmp_path, "val/accuracy", None) as show:
        show(jobs, ended, jobs[:2])
        show(jobs, ended, jobs[:2])
        assert caplog.messages == ["0 of 4 done, 2 waiting; 0 lr=0: starting; 1 lr=0.1: starting"]
        write(folder_of(tmp_path, 0) / PROGRESS, Progress("packing", 0, 15, None, 3.0, None))
        (folder_of(tmp_path, 1) / WAITING).touch()
        show(jobs, ended, jobs[:2])
        line = "0 of 4 done, 2 waiting; 0 lr=0: packing; 1 lr=0.1: waiting for the same run elsewhere"
        assert caplog.messages[-1] == line
        write(tmp_path / "0" / PROGRESS, Progress("training", 5, 15, 0.7, 15.0, 30.0))  # 45 s for each job
        write(tmp_path / "1" / PROGRESS, Progress("training", 0, 15, None, 5.0, None))
        (tmp_path / "1" / WAITING).unlink()
        show(jobs, ended, jobs[:2])
        assert caplog.messages[-1] == (
            "0 of 4 done, 2 waiting, about 1 min left; "
            "0 lr=0: epoch 5/15, val/accuracy 0.7000, 30 s left; 1 lr=0.1: epoch 0/15"
        )
        ended |= {0: finished(0.5), 1: failed("broken")}
        write(folder_of(tmp_path, 2) / PROGRESS, Progress("training", 4, 15, 0.71, 50.0, 130.0))
        show(jobs, ended, [jobs[2]])
        line = (
            "1 of 4 done, 1 failed, 1 waiting, about 3 min left; 2 lr=0.2: epoch 4/15, val/accuracy 0.7100, 2 min left"
        )
        assert caplog.messages[-1] == line
        write(tmp_path / "2" / PROGRESS, Progress("evaluating", 15, 15, 0.72, 70.0, 0.0))
        show(jobs, ended, jobs[2:])
        assert caplog.messages[-1] == (
            "1 of 4 done, 1 failed, about 1 min left; 2 lr=0.2: evaluating, val/accuracy 0.7200; 3 lr=0.3: starting"
        )


def test_the_log_is_not_filled_with_states(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(live, "SAY_EVERY", 60.0)
    jobs = [job(0), job(1)]
    with live_view(tmp_path, "val/accuracy", None) as show:
        for epoch in range(5):
            write(folder_of(tmp_path, 0) / PROGRESS, Progress("training", epoch, 5, 0.5, 1.0, None))
            show(jobs, {}, jobs)
    assert len(caplog.messages) == 1


def test_on_a_terminal_the_state_stands_at_the_bottom_and_how_far_a_job_is_is_never_cut(
    tmp_path, caplog, monkeypatch, terminal
):
    stream, text = terminal
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    console._console.cache_clear()
    jobs = [job(number, model__layers=[2, 3], train__lr=0.001 * number, data__resize=number) for number in range(30)]
    write(folder_of(tmp_path, 1) / PROGRESS, Progress("training", 4, 15, 0.71, 50.0, 130.0))
    with live_view(tmp_path, "val/accuracy", None) as show:
        show(jobs, {}, jobs[:2])
        assert screen(text()) == [
            "0 of 30 done, 28 waiting, about 45 min left",
            "0 layers=[2, 3] lr=0 resize=0: starting",
            "1 layer…esize=1: epoch 4/15, val/accuracy 0.7100, 2 min left",
        ]
    assert caplog.messages == []
    assert set(screen(text())) == {""}  # it goes when the sweep ends


def test_many_running_jobs_are_counted(tmp_path, caplog):
    jobs = [job(number) for number in range(20)]
    with live_view(tmp_path, "val/accuracy", None) as show:
        show(jobs, {}, jobs)
    assert caplog.messages[0].endswith("7: starting; 12 more run")


def test_a_half_written_progress_is_read_again(tmp_path, caplog):
    (folder_of(tmp_path, 0) / PROGRESS).write_text('{"epoch": 3, "epo')
    with live_view(tmp_path, "val/accuracy", None) as show:
        show([job(0)], {}, [job(0)])
    assert caplog.messages == ["0 of 1 done; 0: starting"]


def test_a_search_counts_its_trials(tmp_path, caplog):
    jobs = [job(0), job(1)]
    with live_view(tmp_path, "val/accuracy", 30) as show:
        show(jobs[:1], {}, jobs[:1])
        show(jobs, {0: finished(0.5)}, jobs[1:])
    assert caplog.messages[0] == "0 of 30 trials, 29 waiting; 0: starting"
    assert caplog.messages[2] == "1 of 30 trials, 28 waiting, about 35 min left; 1: starting"
