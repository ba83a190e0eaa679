"""Every named recipe runs, on generated pictures with its epochs cut."""

import pytest

from catdog_exp.app.conf_folders import conf_folders

RECIPES = sorted(file.stem for file in (conf_folders()[-1] / "experiment").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_runs(catdog, tmp_path, name):
    done = catdog(f"experiment={name}", "data.source.count=80", "train.epochs=1")
    assert done.returncode == 0, done.stderr
    assert "best val/accuracy" in done.stdout
    assert list(tmp_path.glob("outputs/runs/*/*/confusion_matrix.png"))
