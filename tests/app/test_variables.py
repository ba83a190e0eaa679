"""MLflow's own variables, where neither the command nor a file of the user's says otherwise."""

import pytest

from catdog_exp.app.compose import origin, run_config
from catdog_exp.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CATDOG_MACHINE", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def in_force(words):
    """Of each key its value, and what says so."""
    config = run_config(words).tracking
    return {key: (getattr(config, key), origin(f"tracking.{key}", words)) for key in ("uri", "experiment", "run")}


def test_a_variable_counts_more_than_the_default_and_less_than_what_the_user_says(here, monkeypatch):
    default = {
        "uri": (f"sqlite:///{here}/outputs/mlflow.db", None),
        "experiment": ("catdog", None),
        "run": (None, None),
    }
    assert in_force([]) == default
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
        monkeypatch.setenv(name, "")
    assert in_force([]) == default
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@lab:5000")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "2026")
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123456789abcdef")
    variables = {
        "uri": ("http://user:secret@lab:5000", "MLFLOW_TRACKING_URI"),
        "experiment": ("2026", "MLFLOW_EXPERIMENT_NAME"),
        "run": ("0123456789abcdef", "MLFLOW_RUN_ID"),
    }
    assert in_force([]) == in_force(["tracking=server"]) == variables
    assert run_config(["tracking.experiment=mine"]).tracking.experiment == "mine"
    machine = here / "conf" / "machine" / "lab.yaml"
    machine.parent.mkdir(parents=True)
    machine.write_text("# @package _global_\ntracking:\n  uri: http://other:5000\n")
    monkeypatch.setenv("CATDOG_MACHINE", "lab")
    assert in_force([]) == {**variables, "uri": ("http://other:5000", f"{machine}, line 3")}


@pytest.mark.parametrize(
    ("variables", "words", "told"),
    [
        ({}, ["tracking=server"], "tracking.uri: the variable MLFLOW_TRACKING_URI is not set; set it, or give track"),
        ({"MLFLOW_TRACKING_URI": "file:///x"}, [], "give sqlite:///FILE.db or http://HOST:PORT (MLFLOW_TRACKING_URI)"),
        ({"MLFLOW_EXPERIMENT_NAME": " x"}, ["runs"], "(MLFLOW_EXPERIMENT_NAME)"),
    ],
)
def test_what_is_wrong_with_a_variable_is_told_in_one_line_that_names_it(
    here, monkeypatch, capsys, variables, words, told
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(words) == 2
    line = capsys.readouterr().err
    assert told in line
    assert line.count("\n") == 1
    assert not list(here.iterdir())


def test_doctor_names_what_is_in_force_and_why(here, monkeypatch, capsys):
    monkeypatch.setattr("catdog_exp.commands.doctor_report.package_facts", list)
    monkeypatch.setattr("catdog_exp.commands.doctor_report._ask_mxnet", lambda: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{here}/lab.db")
    main(["doctor", "tracking.experiment=mine"])
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"ok tracking.uri sqlite:///{here}/lab.db (by MLFLOW_TRACKING_URI)" in lines
    assert "ok tracking.experiment mine (by the command)" in lines
    assert "ok store not there yet, the first run makes it" in lines
