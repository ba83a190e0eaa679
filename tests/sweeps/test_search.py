"""A search with jobs that train nothing: their objective is computed from what they are to try."""

import json
import multiprocessing
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.resolvers import register
from catdog_exp.errors import UserError
from catdog_exp.sweeps.job import sweep_job
from catdog_exp.sweeps.jobs import SWEEP, KnownJobs, Outcome, Sweep, outcome_of, write
from catdog_exp.sweeps.search import search, take, tell

pytest.importorskip("optuna", reason="Optuna is not installed: uv sync --extra optuna")
import optuna

from catdog_exp.sweeps.pruning import Reporter

SPACE = {"model.layers": "range(1,5)", "train.lr": "tag(log, interval(0.001, 0.1))", "augment": "choice(none,basic)"}


def objective(proposal) -> float:
    return -abs(proposal.settings["model"]["layers"] - 3) - proposal.settings["train"]["lr"]


def study_of(tmp_path: Path) -> optuna.Study:
    storage = f"sqlite:///{tmp_path}/optuna.db"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def states(tmp_path: Path) -> dict[str, int]:
    return dict(Counter(trial.state.name for trial in study_of(tmp_path).trials))


@pytest.fixture
def run(tmp_path):
    """Runs a search of `n_trials` whose jobs are `job(folder, number)`; returns how many jobs were launched.

    Each search has a folder of its own, as each command has.
    """

    def run(job, n_trials=6, words=(), space=SPACE, startup_trials=2, seed=0):
        folder = tmp_path / f"sweep{len(list(tmp_path.glob('sweep*')))}"
        words = [f"paths.outputs={tmp_path}", *words]
        launched = []

        def launch(_, count, first):
            for number in range(first, first + count):
                launched.append(number)
                job(folder, number)

        register()
        with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
            fixed = [word for word in words if "(" not in word]
            config = compose("config", [*fixed, f"hydra.sweep.dir={folder}"], return_hydra_config=True)
            config.hydra.job.config_name = "config"
            settings = {
                "n_trials": n_trials,
                "seed": seed,
                "startup_trials": startup_trials,
                "warmup_epochs": 2,
                "params": space,
            }
            search(config, GlobalHydra.instance().config_loader(), settings, words, launch)
        return launched

    return run


def finish(folder, number):
    proposal = take(folder, number)
    if proposal is not None:
        tell(proposal.trial, objective(proposal))


def test_the_same_search_again_does_nothing_and_a_longer_one_the_rest(run, tmp_path):
    assert run(finish, n_trials=4) == [0, 1, 2, 3]
    assert run(finish, n_trials=4) == []
    assert run(finish, n_trials=7) == [4, 5, 6]  # after those of the earlier commands
    assert states(tmp_path) == {"COMPLETE": 7}


def test_what_is_tried_is_within_the_space_and_stands_in_the_settings(run):
    seen = []

    def job(folder, number):
        proposal = take(folder, number)
        seen.append(proposal)
        tell(proposal.trial, objective(proposal))

    run(job, n_trials=12, words=["model.layers=range(2,4)", "model.width=8"])
    for proposal in seen:
        settings = proposal.settings
        assert settings["model"]["layers"] in (2, 3)  # the word takes the place of the file's range
        assert 0.001 <= settings["train"]["lr"] <= 0.1
        assert settings["augment"]["random_crop"] is (proposal.differs["augment"] == "basic")
        assert settings["model"]["width"] == 8
        assert f"train.lr={settings['train']['lr']}" in proposal.overrides
        assert "model.width=8" in proposal.overrides
        assert "hydra" not in settings
        json.dumps(settings)
    assert {proposal.differs["augment"] for proposal in seen} == {"none", "basic"}
    assert {proposal.differs["model.layers"] for proposal in seen} == {2, 3}


@pytest.mark.slow
def test_failed_trials_are_replaced_but_not_for_ever(run, tmp_path):
    def every_third_fails(folder, number):
        proposal = take(folder, number)
        tell(proposal.trial, float("nan") if proposal.trial.number % 3 == 0 else objective(proposal))

    assert len(run(every_third_fails, n_trials=6)) == 6
    assert states(tmp_path) == {"COMPLETE": 4, "FAIL": 2}
    run(every_third_fails, n_trials=6)
    assert states(tmp_path)["COMPLETE"] == 6

    def fails(folder, number):
        tell(take(folder, number).trial, None)

    assert len(run(fails, n_trials=9)) == 9


def test_a_sweep_that_is_stopped_launches_no_more(run):
    def stopped(folder, number):
        pass

    assert len(run(stopped, n_trials=3)) == 3


def _killed(folder, number):
    Reporter(*_reporter(take(folder, number))).report(1, 0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def _reporter(proposal):
    return Path(proposal.trial.storage), proposal.trial.study, proposal.trial.number


def test_the_trial_of_a_killed_job_goes_on_as_it_was(run, tmp_path):
    def killed(folder, number):
        process = multiprocessing.get_context("spawn").Process(target=_killed, args=(folder, number))
        process.start()
        process.join()

    with pytest.raises(KeyboardInterrupt):
        run(lambda folder, number: killed(folder, number) if number < 1 else _interrupt(), n_trials=3)
    (left,) = study_of(tmp_path).trials
    assert left.state.name == "RUNNING"
    seen = []

    def job(folder, number):
        proposal = take(folder, number)
        seen.append(proposal)
        reporter = Reporter(*_reporter(proposal))
        reporter.report(1, 0.5)
        reporter.report(2, 0.6)
        tell(proposal.trial, 0.6)

    assert run(job, n_trials=3) == [0, 1, 2]
    assert seen[0].trial.number == left.number
    assert seen[0].differs == left.params
    assert states(tmp_path) == {"COMPLETE": 3}
    assert study_of(tmp_path).trials[0].intermediate_values == {0: 0.5, 1: 0.6}


def _interrupt():
    raise KeyboardInterrupt


def test_a_job_that_is_launched_again_does_the_same_trial(run, tmp_path):
    def twice(folder, number):
        first, second = take(folder, number), take(folder, number)
        assert first == second
        tell(second.trial, 1.0)
        tell(first.trial, 2.0)  # comes too late

    run(twice, n_trials=2)
    assert [trial.value for trial in study_of(tmp_path).trials] == [1.0, 1.0]


@pytest.mark.slow
def test_a_search_that_was_interrupted_tries_what_it_would_have_tried(run, tmp_path):
    run(finish, n_trials=5, words=["train.epochs=3"])
    whole = [trial.params for trial in study_of(tmp_path).trials]
    (tmp_path / "optuna.db").unlink()
    run(finish, n_trials=2, words=["train.epochs=3"])
    run(finish, n_trials=5, words=["train.epochs=3"])
    assert [trial.params for trial in study_of(tmp_path).trials] == whole


@pytest.mark.slow
def test_it_finds_more_than_chance_would(run, tmp_path):
    run(finish, n_trials=20, startup_trials=6)
    later = [trial.params["model.layers"] for trial in study_of(tmp_path).trials[6:]]
    assert later.count(3) > len(later) / 3  # of four that are equally likely by chance


@pytest.mark.parametrize(("metric", "best"), [("val/accuracy", 0.9), ("val/loss", 0.1)])
def test_the_objective_says_which_end_is_the_best(run, tmp_path, metric, best):
    values = iter([0.9, 0.1])
    run(lambda folder, number: tell(take(folder, number).trial, next(values)), 2, [f"objective={metric}"])
    assert study_of(tmp_path).best_value == best


@pytest.mark.parametrize(("metric", "bad"), [("val/accuracy", 0.1), ("val/loss", 0.9)])
def test_a_trial_worse_than_the_median_is_given_up_after_the_warm_up(run, tmp_path, metric, bad):
    given_up = []

    def job(folder, number):
        proposal = take(folder, number)
        reporter = Reporter(*_reporter(proposal))
        value = bad if number >= 1 else 0.5
        for epoch in range(1, 5):
            if reporter.report(epoch, value):
                given_up.append((number, epoch))
                tell(proposal.trial, value, pruned=True)
                return
        tell(proposal.trial, value)

    run(job, n_trials=4, words=[f"objective={metric}"], startup_trials=2)
    # Two must be complete, and two epochs over.
    assert given_up == [(2, 2), (3, 2)]
    assert states(tmp_path) == {"COMPLETE": 2, "PRUNED": 2}
    assert run(job, n_trials=4, words=[f"objective={metric}"]) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.layer=range(1,3)"], "model.layer"),
        (["model.layers=range(1,9)"], "model.layers=8"),
        (["model.layers=2", "train.lr=0.1", "augment=none"], "nothing is searched"),
        (["train.lr=range(3,3)"], "train.lr=range"),
    ],
)
def test_a_space_that_cannot_be_is_refused_before_any_job(run, words, message):
    with pytest.raises(UserError, match=message):
        run(lambda *_: pytest.fail("a job was launched"), words=words)


def test_other_settings_are_another_search(run, tmp_path):
    run(finish, n_trials=2)
    assert run(finish, n_trials=2, words=["train.epochs=3"]) == [0, 1]
    assert run(finish, n_trials=2, words=["hardware.threads=1"]) == []


def _finish_all(folder, number):
    finish(folder, number)


@pytest.mark.slow
def test_jobs_of_several_processes_share_the_trials(run, tmp_path):
    """Eight at once for six trials: two find nothing left."""

    def job(folder, number):
        if number > 0:
            return
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=_finish_all, args=(folder, number)) for number in range(8)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 8

    run(job, n_trials=6)
    assert states(tmp_path) == {"COMPLETE": 6}
    assert len({json.dumps(trial.params) for trial in study_of(tmp_path).trials}) == 6


def test_trials_at_once_keep_away_from_each_other(run, monkeypatch):
    monkeypatch.setattr("catdog_exp.sweeps.study._lives", lambda _owner: True)
    at_once = []

    def job(folder, number):
        proposal = take(folder, number)
        if number < 12:
            tell(proposal.trial, objective(proposal))
        else:  # has begun and does not end
            at_once.append(proposal.settings["model"]["layers"])

    space = {"train.lr": SPACE["train.lr"], "model.layers": SPACE["model.layers"]}
    run(job, n_trials=20, startup_trials=4, space=space, seed=1)
    assert len(at_once) == 8
    assert len(set(at_once)) > 2  # 3 has done best; without a constant liar all eight are 3


def test_a_combination_that_cannot_be_is_a_failed_job_and_the_search_goes_on(run, tmp_path, monkeypatch):
    tried = []

    def trained(sweep, job):
        tried.append(job.differs)
        return Outcome("finished", 0.5, None, "", 1.0)

    def job(folder, number):
        write(folder / SWEEP, Sweep(None, 1, None))
        sweep_job(folder, number, [], dict)

    monkeypatch.setattr("catdog_exp.sweeps.job.run_job", trained)
    # Each of the ends can be, as can most of what is between.
    space = {"data.resize": "choice(16,64)", "model.layers": "range(4,7)"}
    run(job, n_trials=8, words=["stages=[pack]"], space=space)
    told = states(tmp_path)
    assert told["FAIL"] > 0
    assert told["COMPLETE"] == len(tried)
    assert all(differs["model.layers"] == 4 for differs in tried if differs["data.resize"] == 16)
    (folder,) = tmp_path.glob("sweep*")
    failed = [outcome for job in KnownJobs(folder)() if (outcome := outcome_of(folder, job)) is not None]
    assert len(failed) == told["FAIL"]
    assert {outcome.status for outcome in failed} == {"failed"}
    assert all("layers" in outcome.reason for outcome in failed)
