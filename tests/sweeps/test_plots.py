"""The plots of a sweep: drawn whatever differs, and however many jobs there are."""

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from catdog_exp.errors import UserError
from catdog_exp.plots.figure import ACCENT, write_figure
from catdog_exp.sweeps import parallel_plot, plots
from catdog_exp.sweeps.axes import fit_axis, key_of
from catdog_exp.sweeps.jobs import Outcome
from catdog_exp.sweeps.parallel_plot import parallel_coordinates
from catdog_exp.sweeps.plots import objective_by_key
from tests.sweeps.made import failed, finished, job

ANY = [None, True, [2, 3], "adam", 3, 0.5, "$x_1$", float("nan"), {"a": 1}, "/a/very/long/path/" * 10]


def draw(tmp_path, jobs, outcomes, objective="val/accuracy", minimize=False):
    parallel_coordinates(jobs, outcomes, objective, minimize, tmp_path / "parallel.png")
    return [tmp_path / "parallel.png", *objective_by_key(jobs, outcomes, objective, minimize, tmp_path)]


def sizes(files):
    return [cv2.imread(str(file)).shape[:2] for file in files]


def accent(path):
    """The rows of the best job's colour, 0..1 of the picture's height."""
    picture = cv2.imread(str(path))
    colour = [int(ACCENT[start : start + 2], 16) for start in (5, 3, 1)]
    rows = np.nonzero((picture == colour).all(axis=2))[0] / picture.shape[0]
    return rows[rows < 0.9]  # the legend is below


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 2, 500])
def test_any_number_of_jobs_is_drawn(tmp_path, count):
    jobs = [job(number, train__lr=0.1 / (1 + number), model__layers=[2] * (number % 3 + 1)) for number in range(count)]
    outcomes = {number: finished(0.5 + number / 1000) for number in range(count)}
    files = draw(tmp_path, jobs, outcomes)
    assert [file.name for file in files[1:]] == ["objective_by_train.lr.png", "objective_by_model.layers.png"]
    for height, width in sizes(files):
        assert 300 < height < 1_200
        assert 500 < width < 2_500


@pytest.mark.filterwarnings("error")
def test_values_of_any_kind_are_drawn(tmp_path):
    jobs = [job(number, model__anything=value, data__resize=32 * number) for number, value in enumerate(ANY)]
    outcomes = {number: finished(0.5) for number in range(len(ANY))}
    assert len(draw(tmp_path, jobs, outcomes)) == 3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("outcomes", [{}, {0: failed("x"), 1: failed("y")}, {0: finished(float("nan"))}])
def test_a_sweep_without_a_result_is_drawn(tmp_path, outcomes):
    jobs = [job(number, train__seed=number) for number in range(2)]
    for height, width in sizes(draw(tmp_path, jobs, outcomes)):
        assert height > 300
        assert width > 500


@pytest.mark.filterwarnings("error")
def test_without_a_differing_key_the_objective_stands_alone(tmp_path):
    assert len(draw(tmp_path, [job(0)], {0: finished(0.7)})) == 1


def test_a_key_that_some_jobs_lack_is_drawn(tmp_path):
    jobs = [job(0, model__layers=2), job(1, model__layers=3), job(2, model__depth=18)]
    outcomes = {number: finished(0.5 + number / 10) for number in range(3)}
    assert len(draw(tmp_path, jobs, outcomes)) == 3


def test_the_best_jobs_line_ends_where_its_objective_is(tmp_path):
    jobs = [job(number, train__seed=number) for number in range(5)]
    outcomes = {number: finished(0.5 + number / 10) for number in range(5)}
    parallel_coordinates(jobs, outcomes, "val/accuracy", False, tmp_path / "most.png")
    parallel_coordinates(jobs, outcomes, "val/loss", True, tmp_path / "least.png")
    assert len(accent(tmp_path / "most.png")) > 500
    assert accent(tmp_path / "most.png").mean() < 0.4 < 0.6 < accent(tmp_path / "least.png").mean()


def test_one_that_was_given_up_early_is_not_the_best(tmp_path):
    jobs = [job(number, train__seed=number) for number in range(3)]
    outcomes = {0: finished(0.5), 1: finished(0.6), 2: Outcome("pruned", 0.9, None, "", 1.0)}
    draw(tmp_path, jobs, outcomes)
    assert accent(tmp_path / "objective_by_train.seed.png").mean() > 0.3


def test_many_keys_are_drawn_as_far_as_the_page_is_wide(tmp_path):
    many = {f"section__key{number}": 1 for number in range(40)}
    parallel_coordinates([job(0, **many)], {0: finished(0.5)}, "val/accuracy", False, tmp_path / "parallel.png")
    assert cv2.imread(str(tmp_path / "parallel.png")).shape[1] < 4_000


def test_file_names_are_safe_and_different(tmp_path):
    jobs = [job(0, **{"a/../b": 1, "a b": 2, "a_b": 3})]
    names = [file.name for file in objective_by_key(jobs, {0: finished(0.5)}, "val/accuracy", False, tmp_path)]
    assert names == ["objective_by_a_.._b.png", "objective_by_a_b.png", "objective_by_a_b-2.png"]
    assert all((tmp_path / name).is_file() for name in names)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        parallel_coordinates([job(0)], {0: finished(0.5)}, "val/accuracy", False, tmp_path / "nowhere" / "a.png")


@pytest.fixture
def legends(monkeypatch):
    """The legend's texts of each figure that is written, by the file's name."""
    found = {}

    def keep(figure, path):
        found[path.stem] = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
        write_figure(figure, path)

    for module in (parallel_plot, plots):
        monkeypatch.setattr(module, "write_figure", keep)
    return found


SPREAD = "mean ± standard deviation"


def test_jobs_that_differ_in_their_seed_alone_have_a_standard_deviation(tmp_path, legends):
    jobs = [job(number, model__layers=2 + number // 3, train__seed=number % 3) for number in range(6)]
    draw(tmp_path, jobs, {number: finished(0.5 + number / 100) for number in range(6)})
    assert legends["objective_by_model.layers"] == ["best: job 5", SPREAD]
    assert legends["objective_by_train.seed"] == ["model.layers=2", "model.layers=3", "best: job 5"]


def test_the_spread_over_another_key_is_none_of_a_seed(tmp_path, legends):
    jobs = [job(number, model__layers=2 + number // 3, data__resize=32 * (1 + number % 3)) for number in range(6)]
    draw(tmp_path, jobs, {number: finished(0.5 + number / 100) for number in range(6)})
    assert legends["objective_by_model.layers"] == [
        *("data.resize=32", "data.resize=64", "data.resize=96", "best: job 5"),
    ]


def test_seeds_within_the_values_of_another_key_have_their_own_deviation(tmp_path, legends):
    jobs = [
        job(number, model__layers=2 + number // 4, data__resize=32 * (1 + number // 2 % 2), train__seed=number % 2)
        for number in range(8)
    ]
    draw(tmp_path, jobs, {number: finished(0.5 + number / 100) for number in range(8)})
    assert legends["objective_by_model.layers"] == ["data.resize=32", SPREAD, "data.resize=64", "best: job 7"]
    assert legends["objective_by_train.seed"] == ["best: job 7"]


@pytest.mark.parametrize("others", [{"train__lr": 9}, {"train__lr": 2, "model__width": 3}])
def test_many_values_or_keys_beside_are_plain_points(tmp_path, legends, others):
    jobs = [
        job(number, model__layers=number % 2, **{key: number % count for key, count in others.items()})
        for number in range(18)
    ]
    draw(tmp_path, jobs, {number: finished(0.5 + number / 100) for number in range(18)})
    assert legends["objective_by_model.layers"] == ["best: job 17"]


def fit(values):
    """The shares of an axis at which `values` lie, and what is written beside it."""
    axis = Figure().add_subplot().xaxis
    shares = fit_axis(axis, values)
    return [round(shares[key_of(value)], 3) for value in values], [text.get_text() for text in axis.get_ticklabels()]


def test_numbers_far_apart_have_a_logarithmic_scale():
    assert fit([1, 5, 10]) == ([0, 0.444, 1], ["1", "5", "10"])
    assert fit([0.001, 0.01, 0.1]) == ([0, 0.5, 1], ["0.001", "0.01", "0.1"])


def test_nought_among_small_numbers_is_told_from_them():
    (nought, small, great), texts = fit([0, 0.00001, 0.01])
    assert nought == 0
    assert 0.1 < small < 0.4
    assert great == 1
    assert texts == ["0", "1e-05", "0.01"]


def test_many_numbers_have_round_ticks():
    texts = fit([number / 7 for number in range(100)])[1]
    assert [text for text in texts if 0 <= float(text) <= 14] == ["0", "2.5", "5", "7.5", "10", "12.5"]
    assert {"0.001", "0.01", "0.1"} <= set(fit([0.001 * 1.6**number for number in range(12)])[1])


def test_numbers_side_by_side_do_not_write_over_each_other():
    assert "1.001" not in fit([1, 1.001, 2])[1]


def test_kinds_have_an_order():
    assert fit([None, False, True, 7, [4], [3, 3, 3], "a", "$x_1$"]) == (
        [0, 0.143, 0.286, 0.429, 0.571, 0.714, 1, 0.857],
        ["null", "false", "true", "7", "[4]", "[3,3,3]", r"\$x_1\$", "a"],
    )
    assert len(fit([f"name {number}" for number in range(100)])[1]) <= 16


def test_a_number_is_the_same_in_whole_and_in_fractions():
    assert fit([1, 2, 1.0]) == ([0, 1, 0], ["1", "2"])
