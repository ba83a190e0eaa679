"""Words of a command line, told apart."""

import pytest

from catdog_exp.cli import main
from catdog_exp.commands.arguments import check_words, split_overrides
from catdog_exp.errors import UserError


def test_settings_stand_anywhere_among_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.jpg").touch()
    assert split_overrides(["x.jpg", "train.lr=1", "a=b.jpg", "~tracking.uri=", "--out", "o.csv"]) == (
        ["train.lr=1", "~tracking.uri="],
        ["x.jpg", "a=b.jpg", "--out", "o.csv"],
    )


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (["stages=[pack,", "train]"], "stages=[pack,train]"),
        (["-m", "model.dense=[1,", "2,", "3]", "plan=true"], "model.dense=[1,2,3]"),
        (["train.seed=1", "train.lr=", "3"], "train.lr=3"),
        (["predict", "x.jpg", "data.classes=['a b',", "c]"], "data.classes=['a b',c]"),
    ],
)
def test_a_setting_that_a_space_has_cut_is_told_whole(words, whole):
    with pytest.raises(UserError, match=r"a space ends a setting; write") as caught:
        check_words(words)
    assert f"write {whole} or" in str(caught.value)


def test_a_setting_may_be_longer_than_a_file_s_name():
    word = f"data.classes=[{','.join(f'class{number}' for number in range(100))}]"
    assert split_overrides([word, "x.jpg"]) == ([word], ["x.jpg"])
    check_words([word])


@pytest.mark.parametrize(
    "words", [["stages=[pack,train]"], ["data.resize=[1,2", "plan=true"], ["data.root=", "-m"], []]
)
def test_whole_settings_are_left_alone(words):
    check_words(words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["data.root=my", "Zoo 1"],
            "Zoo 1: no such command; put a value with spaces in quotes, as in 'data.root=my Zoo 1'",
        ),
        (["train.seed", "=", "3"], "train.seed: a setting is written train.seed=VALUE, without spaces"),
        ([""], "'': no such command; there are predict, "),
        (["tracking=none", "predcit", "x.jpg"], "predcit: no such command; did you mean predict?"),
        (["predict", "x.jpg", "--out"], "predict: argument --out: expected one argument; see `catdog predict --help`"),
        (["tracking=none", "packs", "verfy"], "packs: argument verify | prune: invalid choice: 'verfy'"),
        (["show"], "show: the following arguments are required: RUN; see `catdog show --help`"),
        (["diff", "--plot"], "diff: argument --plot: expected one argument; see `catdog diff --help`"),
        (["predict", "x" * 300], f"{'x' * 300}: File name too long; "),
        (["runs", "--limit", "many", "tracking=none"], "--limit many: give a whole number above 0"),
        (["ui", "\r\nx"], "ui: unrecognized arguments:  x; see `catdog ui --help`"),
        (["doctor", "more"], "doctor: unrecognized arguments: more; see `catdog doctor --help`"),
        (
            ["predict", "--model", "best", "--out", "o.csv", "tracking=none", "no.jpg"],
            "no.jpg: there is no such file or folder",
        ),
    ],
)
def test_a_mistake_in_a_command_is_told_in_one_line(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"catdog: {told}")
    assert (shown.err.count("\n"), shown.out) == (1, "")
