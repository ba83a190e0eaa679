"""What is left of a sweep to look at."""

import csv

import cv2
import pytest
import yaml

from catdog_exp.errors import UserError
from catdog_exp.sweeps.jobs import Outcome
from catdog_exp.sweeps.summary import spreads_of, summarize
from tests.sweeps.made import failed, finished, job


def test_everything_lies_in_the_sweeps_folder(tmp_path):
    jobs = [job(number, model__layers=[2] * (number + 1), data__resize=32 + number % 2) for number in range(4)]
    outcomes = {0: finished(0.5), 1: finished(0.75), 2: failed("no memory")}
    files = summarize(tmp_path, jobs, outcomes, "val/accuracy", False)
    assert sorted(files) == sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [
        "sweep.csv",
        "best_config.yaml",
        "parallel_coordinates.png",
        "objective_by_model.layers.png",
        "objective_by_data.resize.png",
    ]
    assert [row["status"] for row in csv.DictReader(files[0].open())] == ["finished", "finished", "failed", "waiting"]
    assert all(cv2.imread(str(file)).size for file in files[2:])


def test_the_best_config_is_the_best_jobs_and_says_so(tmp_path):
    jobs = [job(number, model__layers=[number]) for number in range(3)]
    outcomes = {0: finished(0.5), 1: finished(0.2, run="ab" * 16), 2: finished(0.3)}
    summarize(tmp_path, jobs, outcomes, "val/loss", True)
    text = (tmp_path / "best_config.yaml").read_text()
    assert text.splitlines()[:2] == [
        f"# The best of 3 jobs: job 1, val/loss 0.2, run {'ab' * 16}",
        f"# catdog --config-path {tmp_path} --config-name best_config",
    ]
    assert yaml.safe_load(text) == jobs[1].settings
    assert list(yaml.safe_load(text)) == list(jobs[1].settings)


def test_without_a_result_there_is_no_best_config(tmp_path):
    files = summarize(tmp_path, [job(0), job(1)], {0: failed("x")}, "val/accuracy", False)
    assert [file.name for file in files] == ["sweep.csv", "parallel_coordinates.png"]


def test_no_password_is_left_anywhere(tmp_path):
    uri = "postgresql://me:secret@host/runs"
    jobs = [job(number, tracking__uri=uri, model__list=[uri], train__seed=number) for number in range(2)]
    outcomes = {0: Outcome("finished", 0.5, "ab" * 16, uri, 1.0), 1: failed(f"{uri} is gone")}
    files = summarize(tmp_path, jobs, outcomes, "val/accuracy", False)
    for file in files:
        assert b"secret" not in file.read_bytes()
    assert "postgresql://me:***@host/runs" in (tmp_path / "best_config.yaml").read_text()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        summarize(tmp_path / "nowhere", [job(0)], {}, "val/accuracy", False)


def test_the_seed_alone_is_told_for_each_setting_by_the_jobs_that_ended():
    jobs = [job(number, model__layers=[2, 2 + number // 3], train__seed=number % 3) for number in range(6)]
    outcomes = {number: finished(0.5 + number / 10) for number in range(5)}
    outcomes[1] = Outcome("pruned", 0.1, None, "", 1.0)
    assert [spread.line("val/accuracy") for spread in spreads_of(jobs, outcomes)] == [
        "model.layers=[2,2]: val/accuracy 0.6000 ± 0.1414 over 2 seeds",
        "model.layers=[2,3]: val/accuracy 0.8500 ± 0.0707 over 2 seeds",
    ]
    assert spreads_of(jobs[:1], outcomes) == []
