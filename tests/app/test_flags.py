"""Hydra's flags, wherever they stand among the words of a command line."""

import pytest

from catdog_exp.app.flags import command_line, quoted
from catdog_exp.errors import UserError


@pytest.mark.parametrize(
    "words",
    [
        ["a=1", "-m", "b=1,2", "c=3"],
        ["-m", "a=1", "b=1,2", "c=3"],
        ["a=1", "b=1,2", "--multirun", "c=3"],
        ["a=1", "--multi", "b=1,2", "--", "c=3"],
    ],
)
def test_flags_may_stand_anywhere(words):
    line = command_line(words)
    assert line.flags.multirun
    assert line.overrides == ["a=1", "b=1,2", "c=3"]
    assert line.words[:3] == line.overrides
    assert line.words[3:] == [word for word in words if word.startswith("--m") or word == "-m"]


def test_values_of_flags_stay_with_them(tmp_path):
    line = command_line(["x=1", "--config-dir", str(tmp_path), "y=2", "--config-name", "z", "~w"])
    assert line.overrides == ["x=1", "y=2", "~w"]
    assert line.words == ["x=1", "y=2", "~w", "--config-dir", str(tmp_path), "--config-name", "z"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-m", "--cfg", "job", "a=1,2"], "leave out -m, and `sweep.dry_run=true` lists a sweep's jobs"),
        (["--cfg", "jobs"], "-c/--cfg: invalid choice: 'jobs'"),
        (["a=1", "--frob"], "unrecognized arguments: --frob; `catdog --help` shows the flags"),
        (["train.seed=1", "--", "--cfg=hydra"], "--cfg=hydra: behind -- there are only settings"),
        (["--info", "--run"], "--run and --info do not go together"),
        (["--resolve", "a=1"], "add --cfg job"),
        (["-p", "data"], "add --cfg job"),
        (["-sc"], "-sc: add install=bash"),
        (["--experimental-rerun", "config.pickle"], "`catdog rerun RUN` repeats one"),
        (["~hydra.callbacks.check"], "~hydra.callbacks.check: the check before each run stays"),
        (["hydra.callbacks=null"], "hydra.callbacks=null: the check before each run stays"),
        (["--config-path", "no/such"], "--config-path no/such: there is no such folder"),
        (["a=1", "--config-dir", "no"], "--config-dir no: there is no such folder"),
    ],
)
def test_flags_that_cannot_be_are_told_in_one_line(words, told):
    with pytest.raises(UserError) as caught:
        command_line(words)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("data.root=~/pics", "data.root='~/pics'"),
        ("tracking.experiment=Zoë 2", "tracking.experiment='Zoë 2'"),
        ("data.root=~/a,/b,Bär", "data.root='~/a',/b,'Bär'"),
        ("data.root='~/a'", "data.root='~/a'"),
        ("data.classes=[Bär,b]", "data.classes=[Bär,b]"),
        ("~tracking.uri", "~tracking.uri"),
        ("train.lr=1e-3", "train.lr=1e-3"),
    ],
)
def test_letters_that_hydra_does_not_know_are_quoted(word, told):
    assert quoted(word) == told
