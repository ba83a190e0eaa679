"""A search: what it tries, when it ends, what it says, and what it cannot be."""

import json

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sweeps.jobs import Outcome
from catdog_exp.sweeps.study import Reporter

pytest.importorskip("optuna", reason="Optuna is not installed: uv sync --extra optuna")
from tests.sweeps.searching import SPACE, finish, states, study_of


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


@pytest.mark.parametrize(("metric", "best"), [("val/accuracy", 0.9), ("val/loss", 0.1)])
def test_the_objective_says_which_end_is_the_best(search, tmp_path, metric, best):
    found = search(2, [f"objective={metric}"])
    for value in (0.9, 0.1):
        found.end(found.next(), Outcome("finished", value))
    assert study_of(tmp_path).best_value == best
    assert found.conclusion()[0].startswith(f"search: 2 of 2 trials, 0 of them given up early; best {best:.4f} with ")


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
