"""Which settings make another run, and which do not."""

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from catdog_exp.app.compose import conf_folders
from catdog_exp.experiment.identity import run_fingerprint
from catdog_exp.sweeps.composed import plain


def settings(*words):
    with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
        return plain(compose("config", list(words)))


@pytest.mark.parametrize(
    "word",
    [
        "augment=strong",
        "augment.pad=3",
        "model=resnet",
        "model.layers=3",
        "train.lr=0.001",
        "train.seed=1",
        "train/optimizer=sgd",
        "hardware.batch_size=32",
        "objective=val/loss",
        "stages=[pack,train]",
        "train.init_from=abcdef12",
    ],
)
def test_what_changes_the_result_is_another_run(word):
    assert run_fingerprint(settings(word), "pack") != run_fingerprint(settings(), "pack")


@pytest.mark.parametrize(
    "word",
    [
        "hardware.threads=1",
        "hardware=cpu",
        "data.threads=2",
        "paths.outputs=elsewhere",
        "tracking.experiment=other",
        "tracking=none",
        "train.resume=false",
        "train.checkpoint_minutes=5",
        "if_exists=new",
        "sweep.jobs=3",
        "machine=example",
    ],
)
def test_where_and_how_fast_it_is_done_is_the_same_run(word):
    assert run_fingerprint(settings(word), "pack") == run_fingerprint(settings(), "pack")


def test_other_pictures_are_another_run():
    assert run_fingerprint(settings(), "pack") != run_fingerprint(settings(), "another")


def test_weights_to_start_from_count_by_what_is_in_them(tmp_path):
    from safetensors.numpy import save_file

    files = [tmp_path / name for name in ("a.safetensors", "b.safetensors", "c.safetensors")]
    for file, value in zip(files, (1.0, 1.0, 2.0), strict=True):
        save_file({"weight": np.full(3, value, np.float32)}, file)
    first, same, other = (run_fingerprint(settings(f"train.init_from={file}"), "pack") for file in files)
    assert first == same != other
