"""`catdog rerun`."""

import shutil

import pytest

from tests.cli.store import runs


@pytest.mark.slow
def test_a_run_is_repeated_elsewhere_from_its_record_alone(finished, tmp_path, catdog):
    folder = shutil.copytree(finished[0], tmp_path / "folder")
    (first,) = runs(folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = f"tracking.uri=sqlite:///{folder}/outputs/mlflow.db"

    same = catdog("rerun", first.info.run_id[:8], "--verify", store, cwd=elsewhere)
    assert same.returncode == 0, same.stderr
    assert same.stdout.splitlines()[-1].startswith("the same: parameters (sha256 ")
    second = runs(folder)[-1]
    assert second.data.tags["rerun_of"] == first.info.run_id
    assert {"packs", "pictures", "runs"} <= {path.name for path in (elsewhere / "outputs").iterdir()}

    other = catdog("rerun", "last", "--verify", "train.lr=0.05", store, cwd=elsewhere)
    assert other.returncode == 1, other.stderr
    assert other.stdout.splitlines()[-1].startswith("not the same: parameters ")

    for words, told in (
        (["data.source.seed=7"], "these are not the 60 pictures of run"),
        (["train.sed=3"], "train.sed: unknown key; did you mean train.seed?"),
    ):
        done = catdog("rerun", first.info.run_id, *words, store, cwd=elsewhere)
        assert done.returncode == 2
        assert told in done.stderr.splitlines()[-1]
    assert len(runs(folder)) == 3
