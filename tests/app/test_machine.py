"""Machine files: which one counts, and what one should not change."""

import logging
import re
import subprocess
from pathlib import Path

import pytest

from catdog_exp.app.compose import compose, run_config
from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.machine import warn_of_results
from catdog_exp.app.machine_files import machine_file
from catdog_exp.errors import UserError
from catdog_exp.sweeps.composed import plain
from tests.cli.forked import forked


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CATDOG_MACHINE", raising=False)
    folder = tmp_path / "conf" / "machine"
    folder.mkdir(parents=True)
    return folder


def warned(words, caplog):
    caplog.clear()
    with caplog.at_level(logging.WARNING, "catdog_exp"):
        warn_of_results(plain(compose(words)), words)
    return caplog.messages


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("hardware: {batch_size: 32, threads: 1}", "machine=lab sets hardware.batch_size=32, which changes results"),
        ("train: {epochs: 3}\ndata: {resize: 16}", "machine=lab sets train.epochs=3, data.resize=16, which changes"),
        ("hardware: {device: cpu, threads: 1}\ndata: {threads: 2}\npaths: {outputs: o}", None),
    ],
)
def test_a_machine_that_changes_results_is_warned_of(setting, told, own, caplog):
    (own / "lab.yaml").write_text(f"# @package _global_\n{setting}\n")
    messages = warned(["machine=lab"], caplog)
    assert [message.startswith(told) for message in messages] == ([] if told is None else [True])


def test_what_the_command_or_no_machine_sets_is_not_warned_of(own, caplog):
    (own / "lab.yaml").write_text("# @package _global_\nhardware: {batch_size: 32}\n")
    assert warned(["machine=lab", "hardware.batch_size=16"], caplog) == []
    assert warned(["hardware.batch_size=16"], caplog) == []
    assert warned(["machine=example"], caplog) == []


@pytest.mark.parametrize(
    "words",
    [["-m", "train.seed=1,2", "plan=true", "tracking.enabled=false"], ["hydra.run.dir=conf"]],
    ids=["sweep", "run"],
)
def test_runs_and_sweeps_warn_as_they_begin(words, own, tmp_path):
    (own / "lab.yaml").write_text("# @package _global_\nhardware: {batch_size: 32}\n")
    begun = forked(["machine=lab", *words], tmp_path)
    assert "machine=lab sets hardware.batch_size=32, which changes results" in begun.stdout + begun.stderr
    assert "Traceback" not in begun.stderr
    assert begun.returncode == (2 if "hydra.run.dir=conf" in words else 0), begun.stderr


def test_the_machine_is_one_of_the_settings(own, monkeypatch):
    (own / "lab.yaml").write_text("# @package _global_\nhardware: {threads: 1}\n")
    assert run_config(["machine=lab"]).chosen["machine"] == "lab"
    monkeypatch.setenv("CATDOG_MACHINE", "lab")
    assert plain(compose([]))["chosen"]["machine"] == "lab"
    assert machine_file("lab") == own / "lab.yaml"
    assert machine_file("default") == conf_folders()[-1] / "machine" / "default.yaml"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "hardware:\n  batch_siez: 3",
            "hardware.batch_siez: unknown key; did you mean hardware.batch_size? (FILE, line 3)",
        ),
        ("hardware:\n  threads: many", "hardware.threads='many': should be a valid integer (FILE, line 3)"),
        (
            "paths:\n  outputs: $NOPE/x",
            "paths.outputs=$NOPE/x: the environment variable NOPE is not set (FILE, line 3)",
        ),
        ("hardware:\n  threads: ${nope}", "hardware.threads: Interpolation key 'nope' not found (FILE, line 3)"),
        ("defaults:\n  - override /model: nope", "model=nope: no such choice; model can be ALL (FILE, line 3)"),
        ("hydra:\n  nope: 1", "FILE: Key 'nope' not in 'HydraConf'"),
        ("- a", "FILE: it must hold keys, as KEY: VALUE"),
        ("hardware: {threads: 1", 'while parsing a flow mapping in "FILE", line 2'),
    ],
)
def test_what_cannot_be_in_a_machine_s_file_is_told_with_the_file_and_the_line(text, told, own):
    file = own / "lab.yaml"
    file.write_text(f"# @package _global_\n{text}\n")
    with pytest.raises(UserError) as caught:
        run_config(["machine=lab"])
    line = re.sub(r"can be [\w, ]+ \(", "can be ALL (", str(caught.value))
    assert line.startswith(told.replace("FILE", str(file)))
    assert "\n" not in line


def test_a_file_whose_keys_are_not_those_of_the_whole_config_is_told_what_it_lacks(own):
    (own / "lab.yaml").write_text("hardware:\n  threads: 1\n")
    with pytest.raises(UserError, match=r"lab\.yaml: its first line must be `# @package _global_`"):
        run_config(["machine=lab"])


def test_files_of_machines_leave_a_checkout_clean():
    top = Path(__file__).resolve().parents[2]
    names = ["conf/machine/lab.yaml", "conf/machine/node-7.yaml", "conf/local/default.yaml"]
    ignored = subprocess.run(
        ["git", "-C", top, "check-ignore", *names, "conf/machine/example.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    if ignored.returncode == 128:
        pytest.skip("this is no checkout")
    assert ignored.stdout.split() == names
