"""What frozen layers give for a pack's pictures: computed once, the same however, and as good as the pictures."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.decoded import SPARE, DecodedPictures
from catdog_exp.data.decoded_cache import decoded_side
from catdog_exp.data.epoch import AugmentedEpoch
from catdog_exp.data.features import Computing, FeaturedPictures, Views, _rows, with_features
from catdog_exp.inference.classifier import Classifier
from catdog_exp.mx import mx
from catdog_exp.networks.blocks import SpatialMean
from catdog_exp.networks.cnn import Cnn
from catdog_exp.networks.frozen_layers import FrozenLayers, frozen_layers
from catdog_exp.networks.network import Network
from catdog_exp.packs.inventory import packs_in, remove_pack
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.store import Pack, open_pack
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.loop import Trained, train
from tests.images.drawn import DATA, draw_pictures
from tests.learnable import short
from tests.networks.test_parameters import arrays

NETWORK = Cnn(layers=3, width=4, dense=[6], batch_norm=True, dropout=0.3)
FREEZE = ["1", "2", "4", "5", "7", "8"]  # all convolutions with their normalization
BELOW = 11  # layers: up to the one that flattens
MIRRORED = AugmentConfig(flip="alternating", views=2)


@dataclasses.dataclass(frozen=True)
class Mean(Network):
    """The mean colour, and a dense layer."""

    def check(self, size: int) -> None:
        pass

    def build(self, size: int, classes: int) -> Any:  # noqa: ARG002 - any size will do
        block = mx.gluon.nn.HybridSequential()
        block.add(SpatialMean(), mx.gluon.nn.Dense(classes))
        return block


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return open_pack(plan_pack(draw_pictures(tmp_path / "pictures"), DATA, tmp_path / "packs"))


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    mx.random.seed(seed)
    block = NETWORK.build(16, 2)
    block.initialize(mx.init.Xavier())
    with mx.autograd.train_mode():  # moves the running statistics
        block(mx.nd.random.uniform(0, 255, (4, 3, 16, 16)))
    mx.nd.waitall()
    return arrays(block)


def frozen(network: Cnn = NETWORK, seed: int = 0) -> FrozenLayers:
    found = frozen_layers(network, 16, 2, FREEZE, weights(seed))
    assert found is not None
    return found


def featured(
    pack: Pack, split: Any, views: Views, layers: FrozenLayers | None = None, threads: int = 2
) -> FeaturedPictures:
    pictures = decoded_side(pack, split, 16, threads=2)
    return with_features(pictures, pack, split, layers or frozen(), views, Computing("cpu", 16, threads))


def expected(crops: np.ndarray) -> np.ndarray:
    """What the layers give for crops (N, 3, 16, 16), by Gluon alone."""
    block = NETWORK.build(16, 2)
    block.initialize()
    pixels = mx.nd.array(crops.astype(np.float32))
    block(pixels)
    for name, values in weights().items():
        block._collect_params_with_prefix()[name].set_data(mx.nd.array(values))
    for layer in block[:BELOW]:
        pixels = layer(pixels)
    found: np.ndarray = pixels.asnumpy()
    return found


def test_they_are_what_the_layers_give_for_each_view(pack: Pack):
    found = featured(pack, "train", Views(MIRRORED))
    assert (found.layers, found.values.shape) == (BELOW, (2, 32, 64))
    crops = decoded_side(pack, "train", 16, threads=2).crops().transpose(0, 3, 1, 2)
    either = np.stack([expected(crops), expected(crops[..., ::-1])])
    first = np.abs(found.values[0] - either).max(axis=2).argmin(axis=0)  # which of the two each one begins with
    assert set(first) == {0, 1}
    np.testing.assert_allclose(found.values[0], either[first, np.arange(32)], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(found.values[1], either[1 - first, np.arange(32)], rtol=1e-3, atol=1e-3)
    judged = featured(pack, "validation", Views(mirrored=True))
    crops = decoded_side(pack, "validation", 16, threads=2).crops().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(judged.values, [expected(crops), expected(crops[..., ::-1])], rtol=1e-3, atol=1e-3)


def test_epochs_show_the_views_by_turns(pack: Pack):
    found = featured(pack, "train", Views(MIRRORED))
    for epoch, view in ((1, 0), (2, 1), (3, 0)):
        values, targets = AugmentedEpoch(found, MIRRORED, 2, seed=5, epoch=epoch).batch(np.array([3, 0]))
        assert np.array_equal(values, found.values[view, [3, 0]])
        assert np.array_equal(targets.argmax(axis=1), found.labels[[3, 0]])


def test_they_are_computed_once_for_all_heads_and_anew_for_other_weights_or_views(
    pack: Pack, caplog: pytest.LogCaptureFixture
):
    other_head = dataclasses.replace(NETWORK, dropout=0.0, dense=[])
    smoothed = dataclasses.replace(MIRRORED, label_smoothing=0.1)
    with caplog.at_level(logging.INFO):
        for views, layers in [
            (Views(MIRRORED), frozen()),
            (Views(smoothed), frozen(other_head)),
            (Views(MIRRORED), frozen(seed=1)),
            (Views(AugmentConfig()), frozen()),
        ]:
            featured(pack, "train", views, layers)
    assert len([line for line in caplog.messages if line.startswith("computed ")]) == 3
    assert remove_pack(packs_in(pack.folder.parent)[0])
    assert not pack.folder.exists()


def test_any_number_of_threads_gives_the_same_bytes(pack: Pack):
    one, three = (featured(pack, "train", Views(MIRRORED), threads=threads) for threads in (1, 3))
    (file,) = (pack.folder / "features").glob("train-*")
    file.rename(file.with_name("other"))
    again = featured(pack, "train", Views(MIRRORED), threads=3)
    assert np.array_equal(one.values, three.values)
    assert np.array_equal(one.values, again.values)


def test_damaged_ones_are_made_again_and_a_closed_folder_is_no_obstacle(pack: Pack, caplog: pytest.LogCaptureFixture):
    first = np.array(featured(pack, "train", Views(MIRRORED)).values)
    (file,) = (pack.folder / "features").glob("train-*/values.npy")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert np.array_equal(featured(pack, "train", Views(MIRRORED)).values, first)
    assert "cannot be used and are made again" in caplog.text
    file.unlink()
    file.with_name("digests.json").unlink()
    file.parent.rmdir()
    file.parent.parent.rmdir()
    file.parent.parent.touch()
    assert np.array_equal(featured(pack, "train", Views(MIRRORED)).values, first)
    assert "cannot be kept in" in caplog.text


def test_memory_does_not_grow_with_the_number_of_pictures(pack: Pack, tmp_path: Path):
    count, area = 2500, 3 * 128**2
    pixels = np.memmap(tmp_path / "pixels", np.uint8, mode="w+", shape=(count * area + SPARE,))
    pixels.flush()
    pictures = DecodedPictures(
        size=128,
        pixels=np.memmap(tmp_path / "pixels", np.uint8, mode="r"),
        offsets=np.arange(count + 1) * area,
        heights=np.full(count, 128),
        widths=np.full(count, 128),
        labels=np.zeros(count, np.int64),
        ids=np.arange(count, dtype=np.uint64),
    )
    smallest = FrozenLayers(Mean(layers=1), 2, 1, {})
    process, resident = psutil.Process(), []
    for rows in _rows(pictures, smallest, Views(), Computing("cpu", 16, 1)):
        assert rows.shape[1:] == (3,)
        resident.append(process.memory_info().rss)
    half = len(resident) // 2  # by which the working memory is there
    assert max(resident[half:]) - max(resident[:half]) < count * area / 6


def test_what_cannot_be_computed_once_is_not():
    given = weights()
    assert frozen_layers(NETWORK, 16, 2, [], given) is None
    assert frozen_layers(NETWORK, 16, 2, ["4"], given) is None  # the first layer is trained
    assert frozen_layers(NETWORK, 16, 2, ["1"], given) is None  # gives more numbers than the picture has
    assert frozen_layers(NETWORK, 16, 2, FREEZE, {}) is None  # drawn anew by each seed
    assert AugmentConfig(flip="random").versions is None
    assert AugmentConfig(views=2, mixup=0.2).versions is None
    assert (AugmentConfig(label_smoothing=0.1).versions, MIRRORED.versions) == (1, 2)


def go(folder: Path, sides: Any, **words: Any) -> Trained:
    on_epoch = words.pop("on_epoch", lambda _epoch, _metrics: None)
    threads, augment = words.pop("threads", 1), words.pop("augment", MIRRORED)
    network = words.pop("network", NETWORK)
    config, hardware = short(freeze=FREEZE, mirrored=True, **words), HardwareConfig("cpu", 16, None)
    return train(
        *(network, config, augment, hardware, "val/loss", *sides, ["cat", "dog"], folder, on_epoch, threads, weights())
    )


@pytest.fixture
def sides(pack: Pack) -> list[FeaturedPictures]:
    return [featured(pack, "train", Views(MIRRORED)), featured(pack, "validation", Views(mirrored=True))]


def test_a_head_learns_from_them_as_from_the_pictures(sides: list[FeaturedPictures], tmp_path: Path):
    network = dataclasses.replace(NETWORK, dropout=0.0)  # which draws for each slice of a batch by itself
    made = go(tmp_path / "features", sides, network=network)
    plain = go(tmp_path / "pictures", [side.pictures for side in sides], network=network)
    for one, other in zip(made.history, plain.history, strict=True):
        assert one["val/loss"] == pytest.approx(other["val/loss"], rel=1e-3)
    classifier = Classifier.load(made.best)
    frozen_ones = {name: values for name, values in weights().items() if name.split(".")[0] in FREEZE}
    for name, values in frozen_ones.items():
        assert np.array_equal(classifier.checkpoint.parameters[name], values)
    by_features, by_pictures = (classifier.probabilities_of(side) for side in (sides[1], sides[1].pictures))
    np.testing.assert_allclose(by_features, by_pictures, rtol=1e-4)
    truth = by_features[np.arange(len(sides[1])), sides[1].labels].astype(np.float64)
    assert -np.log(truth).mean() == pytest.approx(made.best_value, rel=1e-4)


def test_another_network_is_not_judged_by_them(sides: list[FeaturedPictures], tmp_path: Path):
    other = Classifier.load(go(tmp_path, [side.pictures for side in sides], epochs=1).best)
    changed = dataclasses.replace(sides[1], computed_by="another", values=sides[1].values + 1)
    assert np.array_equal(other.probabilities_of(changed), other.probabilities_of(sides[1].pictures))


def test_an_interrupted_training_ends_with_the_same_bytes_with_any_number_of_threads(
    sides: list[FeaturedPictures], tmp_path: Path
):
    def stop(epoch: int, _metrics: Any) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    whole = go(tmp_path / "whole", sides)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "other", sides, on_epoch=stop)
    again = go(tmp_path / "other", sides, threads=3)
    assert whole.best.read_bytes() == again.best.read_bytes()
    assert whole.params_sha256 == again.params_sha256
