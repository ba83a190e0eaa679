"""A trained network in a folder of its own, for other programs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from catdog_exp.errors import UserError
from catdog_exp.inference.onnx_export import check_equal, onnx_network
from catdog_exp.training.checkpoint import as_config

if TYPE_CHECKING:
    from catdog_exp.inference.classifier import Classifier

NAME = "network"  # what the files are called


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder to write to, that takes the place of `folder` when the block ends well.

    Raises UserError where `folder` is there and not empty, or cannot be made.
    """
    try:
        there = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None
    if there:
        raise UserError(f"{folder}: this is there already; name a new or an empty folder")
    aside = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}.aside")
    try:
        aside.mkdir(parents=True)
        yield aside
        aside.replace(folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_onnx(classifier: Classifier, folder: Path) -> None:
    """Write network.onnx, which answers as the classifier does, and network.json, which tells of it."""
    network = onnx_network(classifier.checkpoint)
    size = classifier.size
    check_equal(network, classifier, np.random.default_rng(0).integers(0, 256, (4, size, size, 3), np.uint8))
    (folder / f"{NAME}.onnx").write_bytes(network)
    _describe(classifier, folder)


def write_mxnet(classifier: Classifier, folder: Path) -> None:
    """Write network-symbol.json and network-0000.params, as MXNet loads them, and network.json, which tells of them.

    `mx.gluon.SymbolBlock.imports` makes a block of them, from `data`, RGB pixels in 0..255, to logits.
    Raises UserError where MXNet alone cannot compute it.
    """
    from catdog_exp.mx import mx
    from catdog_exp.networks.onnx_backbone import OnnxBackbone
    from catdog_exp.networks.parameters import restore

    checkpoint = classifier.checkpoint
    network = checkpoint.network.with_weights(checkpoint.parameters, user_cache_path("catdog_exp"))
    if isinstance(network, OnnxBackbone):
        raise UserError("export: ONNX Runtime computes layers of this network, and MXNet has none of it: --format onnx")
    block = network.build(classifier.size, len(classifier.classes))
    block.initialize()
    block.hybridize()
    block(mx.nd.zeros((1, 3, classifier.size, classifier.size)))
    restore(block, checkpoint.parameters)
    block.export(str(folder / NAME))
    _describe(classifier, folder)


def _describe(classifier: Classifier, folder: Path) -> None:
    checkpoint = classifier.checkpoint
    about = {
        "classes": checkpoint.classes,
        "size": checkpoint.size,
        "mirrored": checkpoint.mirrored,
        "quality": checkpoint.quality,
        "epoch": checkpoint.epoch,
        "network": as_config(checkpoint.network),
    }
    (folder / f"{NAME}.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
