"""A trained network as a model that needs neither MXNet nor this program."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.model_card import model_card
from catdog_exp.inference.onnx_export import check_equal, onnx_network
from catdog_exp.tracking.model_folder import write_model

CHECKED = 4  # pictures that both networks are asked about


def save_model(
    folder: Path,
    classifier: Classifier,
    crops: NDArray[np.uint8],
    run_id: str,
    pictures: str,
    figures: Mapping[str, float],
) -> None:
    """Write a network as an MLflow model into a folder, in place of what is there; it is whole, or not there.

    crops: pictures to check it by, uint8 RGB (N, size, size, 3); the first is its example. run_id, pictures, figures:
    as `model_card` has them.

    Raises UserError where it cannot be written as ONNX, or says something else then.
    """
    checkpoint = classifier.checkpoint
    network = onnx_network(checkpoint)
    check_equal(network, classifier, crops[:CHECKED])
    _, example = cv2.imencode(".png", cv2.cvtColor(crops[0], cv2.COLOR_RGB2BGR))
    aside = folder.with_name(f".{folder.name}.aside")
    shutil.rmtree(aside, ignore_errors=True)
    card = model_card(checkpoint, run_id, pictures, figures)
    write_model(aside, network, checkpoint.classes, checkpoint.size, checkpoint.quality, example.tobytes(), card)
    shutil.rmtree(folder, ignore_errors=True)
    aside.replace(folder)
