"""`catdog evaluate`."""

import shutil

import pytest

from tests.cli.store import runs


@pytest.mark.slow
def test_a_network_is_judged_on_all_of_other_pictures_and_on_none_that_it_knows(finished, tmp_path, catdog):
    folder = shutil.copytree(finished[0], tmp_path / "folder")
    (first,) = runs(folder)
    others = ["data=synthetic", "data.source.count=40"]
    done = catdog("evaluate", "best", *others, "data.source.seed=5", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "on 40 test pictures: loss " in done.stdout
    judged = runs(folder)[-1]
    assert judged.data.metrics["test/pictures"] == 40
    assert judged.info.run_name == f"network of {first.info.run_id[:8]} on synthetic, 16 px"
    assert judged.data.params["model.layers"] == first.data.params["model.layers"] == "2"

    known = catdog("evaluate", "best", "data=synthetic", "data.source.count=60", cwd=folder)
    assert known.returncode == 2
    assert "none is left to judge it on" in known.stderr.splitlines()[-1]
    unnamed = catdog("evaluate", "best", cwd=folder)
    assert (unnamed.returncode, unnamed.stdout) == (2, "")
    assert "name the pictures to judge on" in unnamed.stderr
