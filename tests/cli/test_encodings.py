"""Outputs of other encodings, and none at all."""

import os
import subprocess

import pytest


@pytest.mark.parametrize(
    ("encoding", "letters", "shown"),
    [
        ("ascii", "Kätzchen", b"K?tzchen"),
        ("latin-1", "Zoë_Кот", b"Zo\xeb_???"),
        ("utf-8", "Zoë_Кот", "Zoë_Кот".encode()),
    ],
)
def test_letters_that_cannot_be_printed_are_replaced(encoding, letters, shown, command, environment, tmp_path):
    words = [command, "runs", f"tracking.experiment={letters}"]
    done = subprocess.run(
        words, cwd=tmp_path, env={**environment, "PYTHONIOENCODING": encoding}, capture_output=True, check=False
    )
    assert b"no runs yet in the experiment " + shown in done.stdout, done.stderr
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("closed", "words", "code"),
    [(">&-", "plan=true", 0), ("2>&-", "runs", 0), (">&- 2>&- <&-", "trian", 2), ("<&-", "packs prune", 2)],
)
def test_closed_streams_change_nothing(closed, words, code, command, environment, tmp_path):
    done = subprocess.run(
        ["sh", "-c", f"{command} {words} {closed}"], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_a_whole_run_is_well_where_output_is_ascii_or_closed(command, environment, tmp_path):
    small = ["data.source.count=60", "data.resize=16", "train.epochs=1", "model.width=4", "model.layers=2"]
    environment = {**environment, "PYTHONIOENCODING": "ascii"}
    words = [command, *small, "tracking.experiment=Кот"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    config = next(tmp_path.glob("outputs/runs/*/*/config.yaml"))
    assert "experiment: Кот" in config.read_text(encoding="utf-8")
    words = ["sh", "-c", 'exec "$@" >&-', "sh", *map(os.fspath, words), "train.seed=2"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("outputs/runs/*/*/checkpoints/best.safetensors"))) == 2
