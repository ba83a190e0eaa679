import socket
import subprocess
from importlib import metadata

import numpy as np

from catdog_exp.tracking.provenance import git_tags, provenance_tags


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    answer = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def test_machine_and_versions_are_told():
    tags = provenance_tags()
    assert tags["machine"] == socket.gethostname()
    assert tags["mlflow.source.name"] == "catdog"
    assert tags["version/catdog_exp"] == metadata.version("catdog-exp")
    assert tags["version/numpy"] == np.__version__
    assert {"version/mxnet", "version/opencv", "version/hydra", "version/mlflow"} <= set(tags)


def test_commit_and_whether_anything_differs_from_it(tmp_path):
    git(tmp_path, "init", "-q")
    assert git_tags(tmp_path) == {}  # no commit yet
    (tmp_path / "code.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_tags(tmp_path) == {"mlflow.source.git.commit": commit, "git_dirty": "false"}
    (tmp_path / "code.py").write_text("2")
    assert git_tags(tmp_path)["git_dirty"] == "true"


def test_a_folder_within_somebody_elses_checkout_tells_no_commit(tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    inner = tmp_path / "environment"
    inner.mkdir()
    assert git_tags(inner) == {}


def test_no_git_at_all_is_no_trouble(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_tags(tmp_path) == {}
