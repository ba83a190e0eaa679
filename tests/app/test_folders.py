"""The folders that Hydra's keys name, and what is in them already."""

import pytest
from omegaconf import OmegaConf

from catdog_exp.app.folders import check_keys, take
from catdog_exp.cli import main
from catdog_exp.errors import UserError

MINE = {"config.yaml": "mine: 1\n", "checkpoints/best.safetensors": "mine", ".hydra/config.yaml": "other: project\n"}


@pytest.mark.parametrize("files", [["config.yaml"], ["checkpoints/best.safetensors"], [".hydra/config.yaml"], MINE])
def test_a_run_s_folder_with_other_things_in_it_is_refused_and_left_as_it_is(tmp_path, files):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(MINE[name])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="there is something else in it"):
        take(tmp_path, "a: 1\n")
    assert sorted(tmp_path.rglob("*")) == before
    assert {name: (tmp_path / name).read_text() for name in files} == {name: MINE[name] for name in files}


def test_the_same_run_goes_on_in_its_folder_and_no_other_does(tmp_path):
    folder = tmp_path / "new" / "run"
    take(folder, "a: ü\n")
    (folder / "run.log").touch()
    take(folder, "a: ü\n")
    assert (folder / "config.yaml").read_text(encoding="utf-8") == "a: ü\n"
    with pytest.raises(UserError, match=r"something else in it \(config.yaml, run.log\); name a new folder"):
        take(folder, "a: 2\n")


def keys(**changed):
    plain = {
        "launcher": {"_target_": "a"},
        "sweeper": {"_target_": "b"},
        "job": {"chdir": None},
        "output_subdir": ".hydra",
        "run": {"dir": "r"},
        "sweep": {"dir": "s", "subdir": "${hydra.job.num}"},
    }
    return OmegaConf.merge(plain, changed)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"job": {"chdir": True}}, "hydra.job.chdir=true: "),
        ({"launcher": None}, "hydra.launcher=None: choose it by its file, hydra/launcher=NAME"),
        ({"sweeper": "x"}, "hydra.sweeper=x: choose it by its file, hydra/sweeper=NAME"),
        ({"output_subdir": "../x"}, "hydra.output_subdir=../x: give one name"),
        ({"output_subdir": "/etc"}, "hydra.output_subdir=/etc: give one name"),
        ({"output_subdir": ".."}, "hydra.output_subdir=..: give one name"),
        ({"run": {"dir": ""}}, "hydra.run.dir is empty"),
        ({"run": {"dir": "/dev/null/x"}}, "hydra.run.dir=/dev/null/x: /dev/null is a file"),
        ({"sweep": {"dir": None}}, "hydra.sweep.dir is empty"),
        ({"sweep": {"subdir": "."}}, "hydra.sweep.subdir: a sweep's jobs have folders by their numbers"),
    ],
)
def test_keys_that_would_put_files_elsewhere_are_refused(changed, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        check_keys(keys(**changed))
    assert str(caught.value).startswith(told)


def test_folders_are_absolute_and_the_user_s_home_is_meant_by_its_sign(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/tmp")
    hydra = keys(run={"dir": "~/r"}, output_subdir=None)
    check_keys(hydra)
    assert (hydra.run.dir, hydra.sweep.dir) == ("/tmp/r", str(tmp_path / "s"))


@pytest.mark.parametrize("words", [["hydra.run.dir=."], ["-m", "train.seed=1,2", "hydra.sweep.dir=."]])
def test_nothing_of_the_user_s_is_overwritten(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "multirun.yaml").write_text("mine: 1")
    assert main([*words, "data.source.count=60", "paths.outputs=o", "tracking=none"]) == 2
    told = capsys.readouterr().err
    assert "there is something else in it" in told
    assert told.count("\n") == 1
    assert (tmp_path / "multirun.yaml").read_text() == "mine: 1"
