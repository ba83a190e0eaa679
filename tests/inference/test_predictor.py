"""What a network says of pictures that are read, decoded and computed side by side."""

import cv2
import numpy as np
import pytest

from catdog_exp.data.decoded import decode_records
from catdog_exp.errors import UserError
from catdog_exp.inference import predictor as module
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.pictures import PictureFile
from catdog_exp.inference.predictor import load_predictor, predictor_of
from catdog_exp.networks.cnn import Cnn
from catdog_exp.packs.lst_files import Entry
from catdog_exp.packs.writer import pack_split
from catdog_exp.training.checkpoint import Checkpoint, save_checkpoint
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.learned import Learned
from tests.checkpoints import save_drawn

SIZE = 8
RED, BLUE = (250, 0, 0), (0, 0, 250)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    """A real network with hand-set weights: "red" is the likelier the more red the picture has on average."""
    pooled = (SIZE // 2) ** 2
    kernel = np.zeros((1, 3, 3, 3), np.float32)
    kernel[0, 0, 1, 1] = 1  # the red channel as it is
    checkpoint = Checkpoint(
        network=Cnn(layers=1, width=1, dense=[], batch_norm=False, dropout=0.0),
        classes=["other", "red"],
        size=SIZE,
        epoch=1,
        metrics={},
        objective="val/accuracy",
        seed=0,
        mirrored=False,
        pack="0123456789abcdef",
        learned=Learned().with_more(["a1" * 32, "b2" * 32]).encoded(),
        complete=True,
        validated=Learned().with_more(["c3" * 32]).encoded(),
        quality=None,
        parameters={
            "1.weight": kernel,
            "1.bias": np.full(1, 10, np.float32),  # above zero whatever the normalization
            "4.weight": np.stack([np.zeros(pooled), np.ones(pooled) / pooled]).astype(np.float32),
            "4.bias": np.array([0, -10], np.float32),
        },
    )
    file = tmp_path_factory.mktemp("network") / "red.safetensors"
    save_checkpoint(file, checkpoint)
    return load_predictor(file, HardwareConfig("cpu", 64, 3))


def save(path, colour, shape=(12, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((*shape, 3), colour[::-1], np.uint8))
    return path


def answers(predictor, paths):
    return list(predictor.answers(map(PictureFile, paths)))


def test_labels_and_probabilities_are_the_networks(tmp_path, predictor):
    pictures = [save(tmp_path / "red.png", RED), save(tmp_path / "blue.png", BLUE)]
    red, blue = answers(predictor, pictures)
    assert (red.picture.path, red.label, red.reason) == (pictures[0], "red", "")
    assert (blue.picture.path, blue.label) == (pictures[1], "other")
    assert red.probability == red.probabilities[1] > 0.6
    assert blue.probability == blue.probabilities[0] > 0.6
    assert sum(red.probabilities) == pytest.approx(1)


def test_the_middle_of_the_shrunk_picture_is_judged(tmp_path, predictor):
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80, 2] = 250  # red in the middle third, black beside it
    cv2.imwrite(str(tmp_path / "wide.png"), wide)
    crop = save(tmp_path / "crop.png", RED, (40, 40))
    found, expected = answers(predictor, [tmp_path / "wide.png", crop])
    assert found.probability == pytest.approx(expected.probability, rel=1e-5)


@pytest.mark.parametrize("mirrored", [False, True])
def test_it_says_of_a_picture_what_evaluation_said_of_it_packed(tmp_path, real_pictures, mirrored):
    cnn = Cnn(layers=3, width=8, dense=[8], batch_norm=True, dropout=0.1)
    file = save_drawn(tmp_path, cnn, 32, mirrored=mirrored, quality=90)
    root = real_pictures / "validation" / "cats"
    names = sorted(path.name for path in root.iterdir())[:40]
    entries = [Entry(place, 0, name) for place, name in enumerate(names)]
    pack_split(entries, root, tmp_path / "pack", resize=32, quality=90, threads=2)
    judged = Classifier.load(file).probabilities_of(decode_records([tmp_path / "pack.rec"], 32, threads=2))
    found = answers(load_predictor(file, HardwareConfig("cpu", 64, 2)), [root / name for name in names])
    np.testing.assert_allclose([each.probabilities for each in found], judged, atol=1e-5)
    assert np.ptp(judged[:, 0]) > 0.01  # it tells them apart
    unpacked = answers(load_predictor(save_drawn(tmp_path, cnn, 32), HardwareConfig("cpu", 64, 2)), [root / names[0]])
    assert abs(unpacked[0].probabilities[0] - judged[0, 0]) > 1e-5  # which the packed JPEG makes a difference to


def test_a_network_that_cannot_be_written_to_onnx_answers_the_same_by_mxnet(tmp_path, predictor, monkeypatch):
    def refused(_checkpoint):
        raise UserError("an operator that is not written to ONNX here")

    pictures = [save(tmp_path / f"{number}.png", (number, 0, 0), (8, 8)) for number in range(0, 250, 5)]
    expected = answers(predictor, pictures)
    monkeypatch.setattr(module, "onnx_network", refused)
    other = predictor_of(predictor.checkpoint, HardwareConfig("cpu", 64, 3), batch_size=4)
    found = [each.probabilities for each in answers(other, pictures)]
    np.testing.assert_allclose(found, [each.probabilities for each in expected], atol=1e-5)


def test_unreadable_files_keep_their_place_and_do_not_stop_the_others(tmp_path, predictor):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    pictures = [
        broken,
        save(tmp_path / "red.png", RED),
        tmp_path / "gone.jpg",
        save(tmp_path / "blue.png", BLUE),
    ]
    found = answers(predictor, pictures)
    assert [prediction.label for prediction in found] == [None, "red", None, "other"]
    assert [prediction.picture.path for prediction in found] == pictures
    assert found[0].probability is None
    assert found[0].probabilities == ()
    assert "picture" in found[0].reason
    assert found[2].reason == "no such file"


def test_only_unreadable_files_are_predictions_too(tmp_path, predictor):
    (found,) = answers(predictor, [tmp_path / "gone.jpg"])
    assert found.label is None


def test_many_files_keep_their_order(tmp_path, predictor, capfd):
    pictures = [save(tmp_path / f"{number}.png", (number * 255 // 599, 0, 0), (8, 8)) for number in range(600)]
    found = answers(predictor, pictures)
    assert [prediction.picture.path for prediction in found] == pictures
    red = [prediction.probabilities[1] for prediction in found]
    assert red == sorted(red)
    assert red[-1] - red[0] > 0.2
    assert capfd.readouterr().err == ""  # a progress bar is for terminals
