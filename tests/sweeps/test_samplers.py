"""The samplers and pruners of a search."""

import pytest

from catdog_exp.sweeps.jobs import Outcome
from catdog_exp.sweeps.study import Reporter

pytest.importorskip("optuna", reason="Optuna is not installed: uv sync --extra optuna")
import optuna

from tests.sweeps.searching import SPACE, finish, states, study_of


@pytest.mark.slow
def test_it_finds_more_than_chance_would(run, tmp_path):
    run(finish, n_trials=20, startup_trials=6)
    later = [trial.params["model.layers"] for trial in study_of(tmp_path).trials[6:]]
    assert later.count(3) > len(later) / 3  # of four that are equally likely by chance


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
