"""What a sweep over seeds says."""

import pytest

from catdog_exp.sweeps.seeds import spreads


def job(value: float, **params: str) -> tuple[dict[str, str], float]:
    return {key.replace("_", "."): text for key, text in params.items()}, value


def test_jobs_that_differ_in_the_seed_alone_are_one_figure():
    (found,) = spreads([job(0.7, train_seed="0"), job(0.8, train_seed="1"), job(0.9, train_seed="2")])
    assert (found.settings, found.count) == ({}, 3)
    assert found.mean == pytest.approx(0.8)
    assert found.deviation == pytest.approx(0.1)
    assert found.line("val/accuracy") == "val/accuracy 0.8000 ± 0.1000 over 3 seeds"


def test_each_setting_has_its_own_figure_by_what_differs():
    jobs = [
        job(layers / 10 + seed / 100, train_seed=str(seed), model_layers=str(layers), data_resize="32")
        for layers in (2, 3)
        for seed in (0, 2)
    ]
    found = spreads(jobs)
    assert [spread.settings for spread in found] == [{"model.layers": "2"}, {"model.layers": "3"}]
    assert [spread.mean for spread in found] == pytest.approx([0.21, 0.31])
    assert found[0].line("val/accuracy").startswith("model.layers=2: val/accuracy 0.2100")


def test_jobs_that_differ_in_the_fold_are_one_figure_too():
    (found,) = spreads([job(0.7, data_fold="0", data_folds="3"), job(0.8, data_fold="1", data_folds="3")])
    assert found.line("val/accuracy") == "val/accuracy 0.7500 ± 0.0707 over 2 folds"
    both = [job(0.7, data_fold=fold, train_seed=seed) for fold in "01" for seed in "012"]
    assert spreads(both)[0].line("val/accuracy").endswith("over 6 seeds and folds")


def test_figures_over_other_folds_are_apart():
    jobs = [job(0.7, data_fold=str(fold), data_folds=folds) for folds in ("2", "3") for fold in range(int(folds))]
    assert [(spread.settings, spread.count) for spread in spreads(jobs)] == [
        ({"data.folds": "2"}, 2),
        ({"data.folds": "3"}, 3),
    ]


def test_without_two_seeds_there_is_nothing_to_say():
    assert spreads([job(0.7, train_seed="0", model_layers="2"), job(0.8, train_seed="0", model_layers="3")]) == []
    assert spreads([]) == []
