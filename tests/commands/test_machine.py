"""`catdog machine`: what is in force and why, and a file measured for this host, never over one that is there."""

import socket

import pytest

from catdog_exp.app.compose import run_config
from catdog_exp.cli import main
from catdog_exp.commands import machine
from catdog_exp.training.quickest import quickest


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CATDOG_MACHINE", raising=False)
    monkeypatch.setattr(socket, "gethostname", lambda: "node-7")
    (tmp_path / "conf" / "machine").mkdir(parents=True)
    return tmp_path / "conf" / "machine"


def shown(capsys, *words):
    assert main(["machine", *words]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_file_in_force_is_shown_with_why_and_what_it_changes(own, capsys, monkeypatch):
    assert "(CATDOG_MACHINE is not set, no file is called node-7)" in shown(capsys)[0]
    text = (
        "# @package _global_\nhardware:\n  threads: 1\npaths: {cache: ~/c}\nstages: [pack, preview, train, evaluate]\n"
    )
    for name in ("lab", "node-7"):
        (own / f"{name}.yaml").write_text(text)
    keys = [
        "hardware.threads 1, in place of None (line 3)",
        "paths.cache ~/c, in place of None (line 4)",
        "stages as without it: ['pack', 'preview', 'train', 'evaluate'] (line 5)",
    ]
    assert shown(capsys)[:4] == [f"machine: {own}/node-7.yaml (this host is called node-7)", *keys]
    assert shown(capsys, "machine=lab")[:4] == [f"machine: {own}/lab.yaml (machine=lab)", *keys]
    monkeypatch.setenv("CATDOG_MACHINE", "lab")
    assert shown(capsys)[0] == f"machine: {own}/lab.yaml (CATDOG_MACHINE=lab)"
    local = own.parent / "local"
    local.mkdir()
    (local / "default.yaml").write_text("# @package _global_\ntracking: {experiment: scratch}\n")
    assert shown(capsys)[4:] == [
        f"local: {local}/default.yaml (it is there)",
        "tracking.experiment scratch, in place of catdog (line 2)",
    ]


def test_a_file_is_measured_for_this_host_and_never_written_over_one(own, capsys, monkeypatch):
    monkeypatch.setattr(machine, "SECONDS", 0.1)
    monkeypatch.setattr(machine, "BATCH_SIZES", (8, 16))
    small = ["model.width=4", "model.layers=2", "data.resize=16"]
    shown(capsys, "init", *small)
    file = own / "node-7.yaml"
    text = file.read_text()
    config = run_config([])
    assert (config.chosen["machine"], config.hardware.device) == ("node-7", "cpu")
    assert config.hardware.threads is not None
    assert config.hardware.batch_size == run_config(["machine=default"]).hardware.batch_size  # which changes results
    assert "# batch_size: " in text
    assert main(["machine", "init", *small]) == 2
    assert capsys.readouterr().err.startswith(f"catdog: {file}: this host has a file already")
    assert file.read_text() == text


def test_the_least_that_is_as_quick_but_for_noise_is_chosen():
    assert quickest({1: 50.0, 2: 99.0, 4: 100.0}) == 2
