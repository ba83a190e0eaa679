"""A network as an MLflow model, loaded and asked by MLflow alone, against the network itself."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.pictures import PictureFile, square
from catdog_exp.inference.prediction import Prediction
from catdog_exp.inference.predictor import predictor_of
from catdog_exp.inference.served_model import save_model
from catdog_exp.networks.cnn import Cnn
from catdog_exp.tracking import model_folder
from catdog_exp.tracking.model_folder import requirements
from catdog_exp.training.config import HardwareConfig
from tests.checkpoints import save_drawn

SERVED = Path(model_folder.__file__).with_name("served.py")
SIZE = 32
CNN = Cnn(layers=2, width=8, dense=[8], batch_norm=True, dropout=0.1)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> Classifier:
    return Classifier.load(save_drawn(tmp_path_factory.mktemp("checkpoint"), CNN, SIZE, mirrored=True, quality=95))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, classifier, real_pictures) -> Path:
    """An MLflow model of the classifier."""
    folder = tmp_path_factory.mktemp("model") / "model"
    save_model(folder, classifier, some_crops(real_pictures), "a1b2", "cats and dogs", {"best/accuracy": 0.9})
    return folder


@pytest.fixture(scope="module")
def model(folder):
    import mlflow

    return mlflow.pyfunc.load_model(str(folder))


def some_crops(real_pictures: Path) -> np.ndarray:
    return np.stack([square(PictureFile(path), SIZE) for path in photographs(real_pictures)[:4]])


def predicted(classifier: Classifier, paths: list[Path]) -> list[Prediction]:
    return predictor_of(classifier.checkpoint, HardwareConfig("cpu", 16, 1)).answer(list(map(PictureFile, paths)))


def photographs(real_pictures: Path) -> list[Path]:
    return sorted((real_pictures / "validation").rglob("*.jpg"))[::50]


def odd_pictures(place: Path, photograph: Path) -> list[Path]:
    """Pictures of kinds that packing treats each in its own way, made of a photograph."""
    from PIL import Image

    with Image.open(photograph) as opened:
        opened.load()
        rgb = opened.convert("RGB")
    exif = Image.Exif()
    exif[274] = 6  # held sideways
    alpha = Image.linear_gradient("L").resize(rgb.size)
    clear = rgb.copy()
    clear.putalpha(alpha)
    rgb.save(place / "sideways.jpg", exif=exif)
    rgb.resize((900, 700)).save(place / "sideways_large.jpg", exif=exif)
    for orientation in range(1, 9):
        exif[274] = orientation
        clear.save(place / f"clear_turned_{orientation}.png", exif=exif)
        rgb.save(place / f"turned_{orientation}.webp", exif=exif)
    rgb.convert("L").save(place / "gray.jpg")
    rgb.convert("L").save(place / "gray.png")
    rgb.resize((20, 30)).save(place / "small.png")
    rgb.resize((300, 40)).save(place / "long.bmp")
    clear.save(place / "clear.png")
    clear.save(place / "clear.webp", lossless=True)
    clear.convert("LA").save(place / "clear_gray.png")
    rgb.save(place / "progressive.jpg", progressive=True)
    rgb.save(place / "plain.tiff")
    cv2.imwrite(str(place / "deep.png"), cv2.cvtColor(np.asarray(rgb), cv2.COLOR_RGB2BGR).astype(np.uint16) * 256)
    rgb.convert("P").save(place / "palette.png")
    return sorted(place.iterdir())


def test_it_answers_as_the_network_does_on_every_kind_of_picture(real_pictures, tmp_path, classifier, model):
    paths = [*photographs(real_pictures), *odd_pictures(tmp_path, photographs(real_pictures)[3])]
    expected = predicted(classifier, paths)
    assert all(found.label for found in expected)
    answers = model.predict([str(path) for path in paths])
    assert list(answers.columns) == ["label", "probability", "p_cat", "p_dog"]
    assert list(answers["label"]) == [found.label for found in expected]
    shares = np.array([found.probabilities for found in expected])
    np.testing.assert_allclose(answers[["p_cat", "p_dog"]], shares, atol=1e-4)
    np.testing.assert_allclose(answers["probability"], shares.max(axis=1), atol=1e-4)
    assert np.ptp(shares[:, 0]) > 0.01


def test_paths_bytes_base64_and_pixels_are_the_same_picture(tmp_path, classifier, model):
    pixels = np.random.default_rng(3).integers(0, 256, (50, 60, 3), np.uint8)
    file = tmp_path / "noise.png"
    cv2.imwrite(str(file), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    data = file.read_bytes()
    text = base64.b64encode(data).decode()
    given = [str(file), file, data, text, f"data:image/png;base64,{text}", pixels]
    answers = model.predict(pd.DataFrame({"picture": given}))
    expected = predicted(classifier, [file])[0]
    np.testing.assert_allclose(answers[["p_cat", "p_dog"]], [expected.probabilities] * 6, atol=1e-4)
    assert model.predict(data).equals(model.predict(pd.Series([pixels])))
    assert len(model.predict([text] * 65)) == 65
    assert model.predict(model.input_example)["label"].item() in ("cat", "dog")


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        (b"", "empty"),
        (b"no picture", "not a picture that is read here"),
        ("no picture", "neither a file's path nor Base64"),
        (base64.b64encode(b"no picture").decode(), "not a picture that is read here"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG that is cut short"),
        (bytes(33 << 20), "larger than 33,554,432 bytes"),
        ("A" * (45 << 20), "larger than 33,554,432 bytes"),
        (np.zeros((4, 4, 3), np.float32), "pixels must be uint8"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (7, "not int"),
    ],
    ids=range(10),  # some are long
)
def test_what_is_no_picture_is_told_with_its_number(model, picture, told):
    with pytest.raises(ValueError, match=f"^picture 2: .*{told}"):
        model.predict(pd.Series([np.zeros((9, 9), np.uint8), picture]))


def test_a_jpeg_that_is_cut_short_or_too_large_is_refused(real_pictures, model):
    data = photographs(real_pictures)[0].read_bytes()
    with pytest.raises(ValueError, match="cut short"):
        model.predict([data[: len(data) // 2]])
    place = data.index(b"\xff\xc0") + 5
    with pytest.raises(ValueError, match=r"declares 65,000 × 65,000 pixels"):
        model.predict([data[:place] + (65_000).to_bytes(2, "big") * 2 + data[place + 4 :]])


def test_whoever_asks_a_server_cannot_name_its_files(real_pictures, model, monkeypatch):
    monkeypatch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    with pytest.raises(ValueError, match="neither a file's path nor Base64"):
        model.predict([str(photographs(real_pictures)[0])])


def test_the_folder_is_what_mlflow_wants_and_tells_what_it_is(folder):
    from mlflow.models import Model

    described = Model.load(str(folder))
    assert [column.name for column in described.signature.outputs] == ["label", "probability", "p_cat", "p_dog"]
    assert (folder / "requirements.txt").read_text().split() == requirements()
    environments = described.flavors["python_function"]["env"]
    assert {kind: (folder / file).is_file() for kind, file in environments.items()} == {
        "conda": True,  # without it MLflow makes none of the other kinds
        "virtualenv": True,
    }
    assert all("==" in line and "None" not in line for line in requirements())
    card = (folder / "README.md").read_text()
    for part in ("| accuracy | 0.9 |", "cats and dogs", "`a1b2`", "limits", "no answer but cat, dog"):
        assert part in card
    assert json.loads((folder / "artifacts" / "network.json").read_text()) == {
        "classes": ["cat", "dog"],
        "size": SIZE,
        "quality": 95,
    }


def test_a_network_that_its_onnx_model_does_not_equal_leaves_the_folder_alone(
    folder, classifier, real_pictures, tmp_path, monkeypatch
):
    kept = shutil.copytree(folder, tmp_path / "model")
    before = {file: file.read_bytes() for file in kept.rglob("*") if file.is_file()}
    monkeypatch.setattr(Classifier, "probabilities", lambda _self, crops: np.full((len(crops), 2), 0.5))
    with pytest.raises(UserError, match="differ by"):
        save_model(kept, classifier, some_crops(real_pictures), "a1b2", "cats and dogs", {})
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


ASK = """
import importlib.util, sys
import mlflow
assert not {"mxnet", "catdog_exp"} & {name for name in ("mxnet", "catdog_exp") if importlib.util.find_spec(name)}
answers = mlflow.pyfunc.load_model(sys.argv[1]).predict(sys.argv[2:])
answers.to_csv(sys.stdout, index=False)
"""


@pytest.mark.slow
def test_it_loads_and_answers_where_neither_mxnet_nor_this_program_is(real_pictures, tmp_path, classifier, folder):
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which makes the environment, is not on the PATH")
    python = tmp_path / "venv" / "bin" / "python"
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    asked = {"env": environment, "cwd": tmp_path, "check": True, "text": True, "capture_output": True}
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, python.parents[1]], **asked)
    subprocess.run([uv, "pip", "install", "-q", "-p", python, "-r", folder / "requirements.txt"], **asked)
    paths = photographs(real_pictures)
    done = subprocess.run([python, "-c", ASK, folder, *paths], **asked)
    lines = done.stdout.splitlines()
    expected = predicted(classifier, paths)
    assert lines[0] == "label,probability,p_cat,p_dog"
    assert [line.split(",")[0] for line in lines[1:]] == [found.label for found in expected]
    shares = [[float(share) for share in line.split(",")[2:]] for line in lines[1:]]
    np.testing.assert_allclose(shares, [found.probabilities for found in expected], atol=1e-4)


@pytest.mark.parametrize("start", ["import catdog_exp", f"import runpy; runpy.run_path({str(SERVED)!r})"])
def test_onnx_runtime_tells_nobody_of_its_use(tmp_path, start):
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", f"{start}; import onnxruntime"], env={**environment, "TMPDIR": str(tmp_path)}, check=True
    )
    assert list(tmp_path.iterdir()) == []
