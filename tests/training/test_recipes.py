"""What a recipe may ask of a training: accumulation, clipping, averages, time limits, given weights, narrow numbers."""

import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.mx import processor_flags
from catdog_exp.networks.cnn import Cnn
from catdog_exp.networks.resnet import ResNet
from catdog_exp.training import trainer as trainer
from catdog_exp.training.checkpoint import load_checkpoint
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.devices import devices
from catdog_exp.training.optimizers import Sgd
from catdog_exp.training.schedules import Constant, Cosine
from tests.learnable import halves
from tests.training.test_loop import CNN, go, lasting


def test_a_processor_in_the_place_of_cards_is_told(caplog):
    contexts, _ = devices(HardwareConfig("auto", 64, None, gpus=2), 64, slices=4, threads=1)
    assert {place.device_type for place in contexts} == {"cpu"}
    assert "hardware.device=auto: the processor computes, since " in caplog.text
    caplog.clear()
    devices(HardwareConfig("cpu", 64, None), 64, slices=4, threads=1)
    assert not caplog.text


@pytest.mark.skipif("avx512_bf16" not in processor_flags(), reason="this processor has no bfloat16")
@pytest.mark.parametrize("network", [CNN, ResNet(layers=8, width=4, dropout=0.1)])
def test_it_learns_in_bfloat16_and_keeps_its_weights_in_float32(tmp_path, network):
    pictures = (halves(96), halves(40, seed=1))
    settings = {"pictures": pictures, "batch_size": 32, "epochs": 12, "dtype": "bfloat16"}
    one, two = (go(tmp_path / str(threads), network, threads=threads, **settings) for threads in (1, 2))
    assert one.best_value > 0.9
    assert one.params_sha256 == two.params_sha256
    parameters = load_checkpoint(one.last).parameters
    assert {values.dtype for values in parameters.values()} == {np.dtype(np.float32)}
    # bfloat16 keeps eight bits of a number: the weights have more.
    weight = next(values for values in parameters.values() if values.ndim == 4)
    assert (weight.view(np.uint32) & 0xFFFF).any()
    wide = go(tmp_path / "wide", network, **{**settings, "dtype": "float32"})
    assert wide.params_sha256 != one.params_sha256
    assert wide.history[0]["train/loss"] == pytest.approx(one.history[0]["train/loss"], rel=0.05)


def test_gradients_of_several_batches_make_one_step(tmp_path):
    # Without normalization a batch of 16 and two of 8 are the same sums, but for rounding.
    plain = Cnn(2, 4, [8], False, 0.0)
    whole = go(tmp_path / "whole", plain, batch_size=16)
    parts = go(tmp_path / "parts", plain, batch_size=8, accumulate=2)
    found, expected = (load_checkpoint(run.last).parameters for run in (parts, whole))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-3, atol=1e-5)


def test_a_clipped_gradient_makes_a_step_no_longer_than_the_rate_allows(tmp_path):
    still = Sgd(momentum=0.0, nesterov=False, weight_decay=0.0)
    run = {"optimizer": still, "schedule": Constant(0.0), "epochs": 1, "batch_size": 48}
    first = load_checkpoint(go(tmp_path / "first", lr=1e-12, **run).last).parameters
    moved = load_checkpoint(go(tmp_path / "moved", lr=1.0, clip=0.01, **run).last).parameters
    length = sum(float(((moved[name] - first[name]) ** 2).sum()) for name in first if "running" not in name) ** 0.5
    assert length == pytest.approx(0.01, rel=1e-3)


def test_an_average_without_memory_is_the_weights_and_one_with_memory_lags_behind(tmp_path):
    # Four epochs are 24 steps; every eighth step counts for the average.
    plain, forgetful, lasting = (go(tmp_path / str(decay), average=decay, epochs=4) for decay in (None, 1e-9, 0.9))
    weights, same, behind = (load_checkpoint(run.last).parameters for run in (plain, forgetful, lasting))
    for name, values in weights.items():
        np.testing.assert_allclose(same[name], values, rtol=1e-4, atol=1e-5)
    first = load_checkpoint(go(tmp_path / "first", epochs=1, lr=1e-12).last).parameters
    for name in (name for name, values in weights.items() if values.ndim > 1):
        assert np.abs(behind[name] - first[name]).sum() < np.abs(weights[name] - first[name]).sum()


def test_mirrored_judges_a_picture_and_its_mirror_image_alike(tmp_path):
    run = go(tmp_path, mirrored=True)
    crops = halves(20, seed=3).crops()
    classifier = Classifier.load(run.last)
    one, other = classifier.probabilities(crops), classifier.probabilities(np.ascontiguousarray(crops[:, :, ::-1]))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_time_limit_plans_fewer_epochs(tmp_path, caplog):
    with caplog.at_level("INFO"):
        run = go(tmp_path, epochs=100_000, max_minutes=0.02)
    assert 1 <= len(run.history) < 10_000
    assert "planned for" in caplog.text


def test_the_schedule_is_that_of_the_planned_epochs(tmp_path, monkeypatch):
    expected = go(tmp_path / "three", epochs=3, schedule=Cosine(0.0, 0.0))
    monkeypatch.setattr(trainer, "planned", lambda *_: 3)
    found = go(tmp_path / "planned", epochs=100_000, max_minutes=60.0, schedule=Cosine(0.0, 0.0))
    assert lasting(found.history) == lasting(expected.history)


def test_more_batches_to_accumulate_than_an_epoch_has_are_refused(tmp_path):
    assert len(go(tmp_path / "all", accumulate=6, epochs=1).history) == 1
    with pytest.raises(UserError, match=r"train\.accumulate=7: an epoch has 6 batches of 8 pictures"):
        go(tmp_path / "more", accumulate=7, epochs=1)


def test_before_its_first_step_counts_an_average_is_the_weights(tmp_path):
    # One epoch is six steps, and every eighth step counts.
    plain, averaged = (go(tmp_path / str(decay), average=decay, epochs=1) for decay in (None, 0.9))
    assert averaged.params_sha256 == plain.params_sha256


def test_it_starts_from_given_weights_and_leaves_frozen_layers_as_they_are(tmp_path, caplog):
    start = load_checkpoint(go(tmp_path / "start", epochs=6).last).parameters
    with caplog.at_level("INFO"):
        tuned = go(tmp_path / "tuned", given=start, freeze=["1", "2"], epochs=2, lr=0.01)
    found = load_checkpoint(tuned.last).parameters
    frozen = [name for name in found if name.split(".")[0] in ("1", "2")]
    assert any(name.endswith("running_mean") for name in frozen)
    assert all(np.array_equal(found[name], start[name]) for name in frozen)
    assert not any(np.array_equal(found[name], start[name]) for name in found.keys() - set(frozen) if "weight" in name)
    assert tuned.history[0]["train/loss"] < go(tmp_path / "anew", epochs=1, lr=0.01).history[0]["train/loss"]
    assert f"{len(start)} of {len(start)} parameters are taken from the file" in caplog.text


def test_a_frozen_training_goes_on_with_the_same_bytes(tmp_path):
    start = load_checkpoint(go(tmp_path / "start").last).parameters
    settings = {"given": start, "freeze": ["1", "2"], "epochs": 4}
    expected = go(tmp_path / "whole", **settings)

    def stop(epoch: int, _metrics: dict[str, float]) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "parts", on_epoch=stop, **settings)
    assert go(tmp_path / "parts", **settings).params_sha256 == expected.params_sha256


def test_frozen_layers_without_given_weights_are_named(tmp_path, caplog):
    go(tmp_path, freeze=["1"], epochs=1)
    assert "train.freeze: 1.weight stay as they were drawn" in caplog.text
