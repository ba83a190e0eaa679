"""Trials that fail, are stopped or killed, or are another command's: each is done once, and goes on as it was."""

import multiprocessing
import os
import signal

import pytest

from catdog_exp.sweeps.jobs import Outcome
from catdog_exp.sweeps.study import Reporter

pytest.importorskip("optuna", reason="Optuna is not installed: uv sync --extra optuna")
from tests.sweeps.searching import finish, states, study_of


@pytest.mark.slow
def test_failed_trials_are_replaced_but_not_for_ever(run, tmp_path):
    def every_third_fails(job):
        return Outcome("failed", reason="…") if job.trial.number % 3 == 0 else finish(job)

    assert len(run(every_third_fails, n_trials=6)) == 6
    assert states(tmp_path) == {"COMPLETE": 4, "FAIL": 2}
    run(every_third_fails, n_trials=6)
    assert states(tmp_path)["COMPLETE"] == 6
    assert len(run(lambda _: Outcome("finished", float("nan")), n_trials=9)) == 9


def test_a_trial_that_was_stopped_goes_on_with_the_next_command(run, tmp_path, monkeypatch):
    assert len(run(lambda _: Outcome("stopped"), n_trials=2)) == 2
    monkeypatch.setattr("catdog_exp.sweeps.study.process_lives", lambda *_: False)  # that command's has ended
    assert run(finish, n_trials=2) == [0, 1]
    assert states(tmp_path) == {"COMPLETE": 2}


def test_trials_of_another_sweep_that_is_under_way_are_left_to_it(search):
    first, second = search(n_trials=3), search(n_trials=3)
    own = first.next()
    assert second.next().trial.number != own.trial.number
    third = first.next()
    assert second.next() is None
    first.end(third, Outcome("failed"))
    assert first.next() is not None
    assert first.next() is None


def _killed(trial):
    Reporter(trial).report(1, 0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_trial_of_a_killed_job_goes_on_as_it_was(search, tmp_path, monkeypatch):
    job = search(n_trials=3).next()
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(job.trial,))
    process.start()
    process.join()
    (left,) = study_of(tmp_path).trials
    assert left.state.name == "RUNNING"
    monkeypatch.setattr("catdog_exp.sweeps.study.process_lives", lambda *_: False)  # that command's has ended
    found = search(n_trials=3)
    again = found.next()
    assert (again.trial.number, again.differs) == (left.number, left.params)
    reporter = Reporter(again.trial)
    reporter.report(1, 0.5)
    reporter.report(2, 0.6)
    found.end(again, Outcome("finished", 0.6))
    assert study_of(tmp_path).trials[0].intermediate_values == {0: 0.5, 1: 0.6}
    assert states(tmp_path) == {"COMPLETE": 1}


def test_the_first_word_about_a_trial_counts(search, tmp_path):
    found = search(n_trials=2)
    job = found.next()
    found.end(job, Outcome("finished", 1.0))
    found.end(job, Outcome("finished", 2.0))  # comes too late
    assert [trial.value for trial in study_of(tmp_path).trials] == [1.0]


@pytest.mark.slow
def test_a_search_that_was_interrupted_tries_what_it_would_have_tried(run, tmp_path):
    run(finish, n_trials=5, words=["train.epochs=3"])
    whole = [trial.params for trial in study_of(tmp_path).trials]
    (tmp_path / "optuna.db").unlink()
    run(finish, n_trials=2, words=["train.epochs=3"])
    run(finish, n_trials=5, words=["train.epochs=3"])
    assert [trial.params for trial in study_of(tmp_path).trials] == whole


def test_no_trial_begins_after_the_minutes_and_more_of_them_go_on(run, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("catdog_exp.sweeps.search.time.monotonic", lambda: now[0])

    def half_a_minute(each):
        now[0] += 30
        return finish(each)

    assert len(run(half_a_minute, n_minutes=1.2)) == 3
    assert run(half_a_minute, n_minutes=1.2) == []
    assert len(run(half_a_minute, n_minutes=2.2)) == 2
