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
from omegaconf import open_dict

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.resolvers import register
from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps.composed import plain
from catdog_exp.sweeps.jobs import Outcome
from catdog_exp.sweeps.search import trials
from catdog_exp.sweeps.study import Reporter

pytest.importorskip("optuna", reason="Optuna is not installed: uv sync --extra optuna")
import optuna

SETTINGS = {"seed": 0, "startup_trials": 2, "warmup_epochs": 2, "n_minutes": None, "sampler": "tpe"}
SETTINGS |= {"pruner": "median", "objectives": ["objective"]}
SPACE = {"model.layers": "range(1,5)", "train.lr": "tag(log, interval(0.001, 0.1))", "augment": "choice(none,basic)"}


def value_of(job) -> float:
    return -abs(job.settings["model"]["layers"] - 3) - job.settings["train"]["lr"]


def study_of(tmp_path: Path) -> optuna.Study:
    storage = f"sqlite:///{tmp_path}/optuna.db"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def states(tmp_path: Path) -> dict[str, int]:
    return dict(Counter(trial.state.name for trial in study_of(tmp_path).trials))


@pytest.fixture
def search(tmp_path):
    """Makes a search of `n_trials`, as a command of its own does; all have one study where they are alike."""

    def made(n_trials=6, words=(), space=SPACE, **more):
        words = [f"paths.outputs={tmp_path}", "stages=[pack]", *words]
        register()
        with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
            fixed = [word for word in words if "(" not in word]
            folder = tmp_path / f"sweep{len(begun)}"
            begun.append(folder)
            config = compose("config", [*fixed, f"hydra.sweep.dir={folder}"], return_hydra_config=True)
            config.hydra.job.config_name = "config"
            with open_dict(config):
                config.hydra.sweeper = {**SETTINGS, "n_trials": n_trials, "params": space, **more}
            found = trials(config, GlobalHydra.instance().config_loader(), words)
            found.reuse(read(RunConfig, plain(config)), {})
            return found

    begun = []
    return made


@pytest.fixture
def run(search):
    """Runs a search whose jobs end as `job` says, None: not at all. Returns the numbers of those that it began."""

    def run(job, *words, **more):
        found = search(*words, **more)
        began = []
        while (each := found.next()) is not None:
            began.append(each.number)
            if (outcome := job(each)) is not None:
                found.end(each, outcome)
        return began

    return run


def finish(job):
    return Outcome("finished", value_of(job))


def test_the_same_search_again_does_nothing_and_a_longer_one_the_rest(run, tmp_path):
    assert run(finish, n_trials=4) == [0, 1, 2, 3]
    assert run(finish, n_trials=4) == []
    assert run(finish, n_trials=7) == [4, 5, 6]  # after those of the earlier commands
    assert states(tmp_path) == {"COMPLETE": 7}


def test_what_is_tried_is_within_the_space_and_stands_in_the_settings(run):
    seen = []

    def job(each):
        seen.append(each)
        return finish(each)

    run(job, n_trials=12, words=["model.layers=range(2,4)", "model.width=8"])
    for each in seen:
        settings = each.settings
        assert settings["model"]["layers"] in (2, 3)  # the word takes the place of the file's range
        assert 0.001 <= settings["train"]["lr"] <= 0.1
        assert settings["augment"]["random_crop"] is (each.differs["augment"] == "basic")
        assert settings["model"]["width"] == 8
        assert f"train.lr={settings['train']['lr']}" in each.overrides
        assert "model.width=8" in each.overrides
        assert "hydra" not in settings
        json.dumps(settings)
    assert {each.differs["augment"] for each in seen} == {"none", "basic"}
    assert {each.differs["model.layers"] for each in seen} == {2, 3}


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


@pytest.mark.slow
def test_it_finds_more_than_chance_would(run, tmp_path):
    run(finish, n_trials=20, startup_trials=6)
    later = [trial.params["model.layers"] for trial in study_of(tmp_path).trials[6:]]
    assert later.count(3) > len(later) / 3  # of four that are equally likely by chance


@pytest.mark.parametrize(("metric", "best"), [("val/accuracy", 0.9), ("val/loss", 0.1)])
def test_the_objective_says_which_end_is_the_best(search, tmp_path, metric, best):
    found = search(2, [f"objective={metric}"])
    for value in (0.9, 0.1):
        found.end(found.next(), Outcome("finished", value))
    assert study_of(tmp_path).best_value == best
    assert found.conclusion()[0].startswith(f"search: 2 of 2 trials, 0 of them given up early; best {best:.4f} with ")


@pytest.mark.parametrize(("metric", "bad"), [("val/accuracy", 0.1), ("val/loss", 0.9)])
def test_a_trial_worse_than_the_median_is_given_up_after_the_warm_up(run, tmp_path, metric, bad):
    given_up = []

    def job(each):
        reporter = Reporter(each.trial)
        value = bad if each.number >= 1 else 0.5
        for epoch in range(1, 5):
            if reporter.report(epoch, value):
                given_up.append((each.number, epoch))
                return Outcome("pruned", value)
        return Outcome("finished", value)

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
def test_a_space_that_cannot_be_is_refused_before_any_job(search, words, message):
    with pytest.raises(UserError, match=message):
        search(words=words)


def test_other_settings_are_another_search(run, tmp_path):
    run(finish, n_trials=2)
    assert run(finish, n_trials=2, words=["train.epochs=3"]) == [0, 1]
    assert run(finish, n_trials=2, words=["hardware.threads=1"]) == []


def test_trials_at_once_keep_away_from_each_other(run):
    at_once = []

    def job(each):
        if each.number < 12:
            return finish(each)
        at_once.append(each.settings["model"]["layers"])
        return None  # has begun and does not end

    space = {"train.lr": SPACE["train.lr"], "model.layers": SPACE["model.layers"]}
    run(job, n_trials=20, startup_trials=4, space=space, seed=1)
    assert len(at_once) == 8
    assert len(set(at_once)) > 2  # 3 has done best; without a constant liar all eight are 3


def test_a_combination_that_cannot_be_is_a_failed_job_and_the_search_goes_on(search, tmp_path, monkeypatch):
    def fingerprint(settings, _packs):
        if settings["data"]["resize"] == 16 and settings["model"]["layers"] > 4:
            raise UserError("model.layers: too many for 16 pixels")
        return ""

    monkeypatch.setattr("catdog_exp.sweeps.search.fingerprint_of", fingerprint)
    # Each of the ends can be, as can most of what is between.
    found = search(n_trials=8, space={"data.resize": "choice(16,64)", "model.layers": "range(4,7)"})
    tried = []
    while (each := found.next()) is not None:
        tried.append(each)
        found.end(each, Outcome("finished", 0.5))
    told = states(tmp_path)
    assert told["FAIL"] > 0
    assert told["COMPLETE"] == len(tried)
    assert all(each.differs["model.layers"] == 4 for each in tried if each.differs["data.resize"] == 16)
    failed = [outcome for outcome in found.outcomes.values() if outcome.status == "failed"]
    assert len(failed) == told["FAIL"]
    assert all("layers" in outcome.reason for outcome in failed)


@pytest.mark.parametrize("sampler", ["random", "cmaes"])
def test_a_sampler_is_chosen_by_its_name_and_has_a_search_of_its_own(run, tmp_path, sampler):
    space = {"train.lr": SPACE["train.lr"], "train.optimizer.beta1": "interval(0.8, 0.95)"}
    assert len(run(finish, n_trials=4, space=space)) == 4
    assert len(run(finish, n_trials=4, space=space, sampler=sampler)) == 4
    assert run(finish, n_trials=4, space=space, sampler=sampler) == []
    assert len(optuna.get_all_study_names(f"sqlite:///{tmp_path}/optuna.db")) == 2


def test_a_grid_tries_each_combination_once_and_a_failed_one_with_the_next_command(run, tmp_path):
    space = {"model.layers": "range(1,4)", "augment": "choice(none,basic)"}
    seen = []

    def job(each):
        seen.append((each.settings["model"]["layers"], each.differs["augment"]))
        return (
            Outcome("failed", reason="…") if seen.count((2, "none")) == 1 and seen[-1] == (2, "none") else finish(each)
        )

    run(job, space=space, n_trials=30, sampler="grid")
    assert sorted(seen) == [(layers, augment) for layers in (1, 2, 3) for augment in ("basic", "none")]
    run(job, space=space, n_trials=30, sampler="grid")
    assert seen[6:] == [(2, "none")]
    assert states(tmp_path) == {"COMPLETE": 6, "FAIL": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampler": "tpee"}, r"hydra.sweeper.sampler='tpee'.*'tpe', 'random', 'cmaes' or 'grid'"),
        ({"pruner": "best"}, r"hydra.sweeper.pruner='best'"),
        ({"sampler": "grid"}, r"train.lr: a grid has no end of these"),
        ({"sampler": "cmaes", "objectives": ["objective", "seconds"]}, r"sampler=cmaes searches for one objective"),
        ({"objectives": ["seconds"]}, r"hydra.sweeper.objectives="),
    ],
)
def test_what_a_search_cannot_be_is_told_in_one_line(search, settings, message):
    with pytest.raises(UserError, match=message):
        search(**settings)


def test_no_trial_begins_after_the_minutes_and_more_of_them_go_on(run, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("catdog_exp.sweeps.search.time.monotonic", lambda: now[0])

    def half_a_minute(each):
        now[0] += 30
        return finish(each)

    assert len(run(half_a_minute, n_minutes=1.2)) == 3
    assert run(half_a_minute, n_minutes=1.2) == []
    assert len(run(half_a_minute, n_minutes=2.2)) == 2


@pytest.mark.parametrize(("pruner", "given_up"), [("none", 0), ("asha", 3), ("hyperband", 1)])
def test_a_pruner_is_chosen_by_its_name(run, tmp_path, pruner, given_up):
    def job(each):
        reporter = Reporter(each.trial)
        for epoch in range(1, 10):
            if reporter.report(epoch, 0.9 - each.number / 10):
                assert "worse" not in reporter.why(epoch)
                return Outcome("pruned", 0.1)
        return finish(each)

    run(job, n_trials=6, pruner=pruner)
    assert states(tmp_path).get("PRUNED", 0) >= given_up
    assert (pruner == "none") == ("PRUNED" not in states(tmp_path))


def test_two_objectives_have_a_front_importances_and_no_pruning(search, tmp_path):
    found = search(n_trials=9, objectives=["objective", "seconds"])
    values = [
        (0.9, 90.0),
        (0.5, 9.0),
        (0.7, 20.0),
        (0.6, 30.0),
        (0.8, 95.0),
        *[(0.4, 50.0 + each) for each in range(4)],
    ]
    for value, seconds in values:
        job = found.next()
        assert not any(Reporter(job.trial).report(epoch, 0.0) for epoch in range(1, 6))
        found.end(job, Outcome("finished", value, seconds=seconds))
    assert found.next() is None
    told, front, importances = found.conclusion()
    assert told == "search: 9 of 9 trials, 0 of them given up early"
    assert [line.split(" (")[0] for line in front.split(", ") if " in " in line] == [
        "Pareto front of val/accuracy against seconds: 0.5000 in 9.0 s",
        "0.7000 in 20.0 s",
        "0.9000 in 90.0 s",
    ]
    assert set(importances.split(": ")[1].replace(",", "").split()[::2]) == set(SPACE)
    pictures = found.pictures(tmp_path)
    assert [file.name for file in pictures] == ["importances.png", "pareto_front.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in pictures)
