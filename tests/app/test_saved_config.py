"""A run's own config, named by --config-path, is run once more."""

import pytest
import yaml

from catdog_exp.app.compose import compose
from catdog_exp.cli import main
from catdog_exp.sweeps.composed import plain


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CATDOG_MACHINE", raising=False)
    folder = tmp_path / "a run" / ".hydra"
    folder.mkdir(parents=True)
    settings = plain(compose(["data.source.count=77", "model=resnet", "tracking=none"]))
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    (folder / "hydra.yaml").write_text("hydra: {mode: RUN}\n")
    (folder / "list.yaml").write_text("[1, 2]\n")
    return folder


def test_it_is_run_once_more_with_what_the_command_changes(saved, capsys, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert main(["--config-path", "a run/.hydra", "--config-name", "config", "plan=true", "train.seed=9"]) == 0
    assert "77 are to be drawn" in capsys.readouterr().out
    assert main(["train.seed=1,2", "-m", "--config-path", str(saved), "sweep.dry_run=true"]) == 0
    assert "77 are to be drawn" in capsys.readouterr().out
    assert main(["--config-path", str(saved), "train.sed=3"]) == 2
    assert "train.sed: unknown key; did you mean train.seed?" in capsys.readouterr().err
    for word in ("model=cnn", "train/optimizer=adam"):
        assert main(["--config-path", str(saved), "--config-name", "config", word]) == 2
        line = capsys.readouterr().err
        assert line.startswith(f"catdog: {word}: the config of a run that was made has no groups")
        assert "`catdog rerun RUN KEY=VALUE`" in line
        assert line.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("hydra", "this is no config of a run's; it has neither defaults nor stages"),
        ("list", "this is no config of a run's"),
        ("nope", "nope.yaml: there is no such config in "),
    ],
)
def test_what_is_no_run_s_config_is_told_in_one_line(name, told, saved, capsys):
    assert main(["--config-path", str(saved), "--config-name", name]) == 2
    line = capsys.readouterr().err
    assert told in line
    assert line.count("\n") == 1
