"""A trained network that answers about pictures, many at a time, by the quickest engine at hand."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.images.decode import Unreadable
from catdog_exp.images.limits import MAX_PIXELS, DecodingLimits
from catdog_exp.images.resize import Pixels
from catdog_exp.inference.onnx_export import onnx_network, open_network
from catdog_exp.inference.pictures import Picture, square
from catdog_exp.inference.prediction import Prediction
from catdog_exp.networks.network import Network
from catdog_exp.parallel import in_order
from catdog_exp.threads import threads_to_use
from catdog_exp.training.checkpoint import Checkpoint, load_checkpoint
from catdog_exp.training.config import HardwareConfig

TOGETHER = 3 << 18  # bytes of the squares that are computed at once: what comes of them fits a processor's cache
MOST = 64  # of them

Item = TypeVar("Item")
Probabilities = Callable[[Pixels], NDArray[np.float32]]


@dataclass(frozen=True)
class Predictor:
    """A network in use. Made by `load_predictor` or `predictor_of`.

    checkpoint: the network. probabilities: of squares, uint8 RGB (N, size, size, 3), each class's, float32 (N, C), rows
    that sum to 1; any thread may call it. batch_size: how many squares it is given at once. threads: pictures read and
    decoded, and batches computed, at once. limits: of what the threads decode.
    """

    checkpoint: Checkpoint
    probabilities: Probabilities
    batch_size: int
    threads: int
    limits: DecodingLimits

    @property
    def classes(self) -> list[str]:
        """Names by label."""
        return self.checkpoint.classes

    def answers(self, pictures: Iterable[Picture]) -> Generator[Prediction, None, None]:
        """A prediction of each picture, in order; one that cannot be read does not stop the others.

        A picture is prepared as packing and evaluation prepared those that the network was trained and judged on.
        Each thread reads, decodes and computes a batch of its own, so memory does not grow with the number of pictures.
        To be closed where it may be left before its end.
        """
        with closing(in_order(self.answer, batches(pictures, self.batch_size), self.threads, ahead=2)) as answered:
            for predictions in answered:
                yield from predictions

    def answer(self, pictures: Sequence[Picture]) -> list[Prediction]:
        """Predictions of some pictures, which are computed in one batch."""
        squares = [self._square(picture) for picture in pictures]
        readable = [found for found in squares if not isinstance(found, Unreadable)]
        rows = iter(self.probabilities(np.stack(readable)).tolist() if readable else [])
        return [
            Prediction(picture, None, None, (), str(found))
            if isinstance(found, Unreadable)
            else Prediction.of(picture, self.classes, next(rows))
            for picture, found in zip(pictures, squares, strict=True)
        ]

    def _square(self, picture: Picture) -> Pixels | Unreadable:
        try:
            return square(picture, self.checkpoint.size, self.limits, self.checkpoint.quality)
        except Unreadable as error:
            return error


def load_predictor(
    checkpoint: Path,
    hardware: HardwareConfig,
    own: type[Network] | None = None,
    *,
    batch_size: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Predictor:
    """The network in a checkpoint file, from that file alone; otherwise as `predictor_of`.

    own: as `load_checkpoint` takes it. Raises UserError where the file is missing, damaged or no checkpoint, too.
    """
    found = load_checkpoint(checkpoint, own)
    try:
        return predictor_of(found, hardware, batch_size=batch_size, max_pixels=max_pixels)
    except UserError as error:
        raise UserError(f"{checkpoint}: {error}") from None


def predictor_of(
    checkpoint: Checkpoint, hardware: HardwareConfig, *, batch_size: int | None = None, max_pixels: int = MAX_PIXELS
) -> Predictor:
    """A network on the device that `hardware` names: on the processor by ONNX Runtime, which is the quicker one there.

    By MXNet on a GPU, and where the network has an operator that is not written to ONNX here.
    batch_size: pictures that are computed at once, None for what suits the device. max_pixels: of one picture.

    Raises UserError when the parameters are not the network's, or the device cannot be used.
    """
    from catdog_exp.mx import context

    threads = threads_to_use(hardware.threads)
    limits = DecodingLimits(max_pixels)
    if context(hardware.device).device_type == "cpu":
        try:
            network = open_network(onnx_network(checkpoint))
        except UserError:  # MXNet says what is wrong, where anything is
            pass
        else:
            suits = max(1, min(MOST, TOGETHER // (3 * checkpoint.size**2)))
            return Predictor(checkpoint, network, batch_size or suits, threads, limits)
    from catdog_exp.inference.classifier import Classifier

    at_once = batch_size or hardware.batch_size
    classifier = Classifier.of(checkpoint, hardware.device, at_once, threads)
    lock = Lock()

    def probabilities(squares: Pixels) -> NDArray[np.float32]:
        with lock:
            return classifier.probabilities(squares)

    return Predictor(checkpoint, probabilities, at_once, threads, limits)


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items, so many at a time, fewer at the end."""
    remaining = iter(items)
    while some := list(islice(remaining, size)):
        yield some
