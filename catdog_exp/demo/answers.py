"""Pictures to answers, off the event loop: decoded by some threads, classified by one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.images.decode import Unreadable
from catdog_exp.images.limits import DecodingLimits
from catdog_exp.images.resize import Pixels
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.grad_cam import heat_maps
from catdog_exp.inference.pictures import PictureBytes, square

Result = TypeVar("Result")

NETWORKS = 3  # that stay in memory
SHOWN = 384  # pixels; edge of the square that the page shows, where the picture has as many
HEAT = 96  # pixels; the map is smooth
OPAQUE = 200  # of 255, where the heat is highest: the picture is still to be seen below
PLACES = (
    ("in the upper left", "at the top", "in the upper right"),
    ("at the left", "in the middle", "at the right"),
    ("in the lower left", "at the bottom", "in the lower right"),
)


@dataclass(frozen=True)
class Answer:
    """What a network says of a picture.

    label: of the likeliest class. probabilities: of each class by its name, the likeliest first. square: the part of
    the picture that is judged, larger than the network sees it; a data URL, as is heat: what spoke for the label, to
    be laid over it. heat_at: where most of it is, as `at the top`, or "" where no place spoke for the label.
    no_heat: why there is no map, else "".
    """

    label: str
    probabilities: dict[str, float]
    square: str
    heat: str | None
    heat_at: str
    no_heat: str


class Answers:
    """Asks networks about pictures. load: gives the network of a run by its id, or raises UserError."""

    def __init__(self, load: Callable[[str], Classifier], threads: int, max_pixels: int) -> None:
        self._load_network = load
        self._limits = DecodingLimits(max_pixels)
        self._decoding = ThreadPoolExecutor(threads, "decoding")
        self._computing = ThreadPoolExecutor(1, "network")  # MXNet's compiled blocks bear one thread at a time
        self._kept: dict[str, Classifier] = {}

    async def answer(self, run_id: str, data: bytes) -> Answer:
        """What the network of a run says of the bytes of a picture's file.

        One picture at a time, so that the answer does not depend on who else is asking.
        Raises UserError where there is no such network, Unreadable for what is no picture.
        """
        network = self._kept.get(run_id)
        if network is None:
            network = await _in(self._computing, partial(self.load, run_id))
        seen, shown = await _in(self._decoding, partial(self._decode, data, network))
        return await _in(self._computing, partial(_ask, network, seen, shown))

    def load(self, run_id: str) -> Classifier:
        """The network of a run, which stays in memory. Not by several threads at once."""
        if run_id not in self._kept:
            network = self._load_network(run_id)
            while len(self._kept) >= NETWORKS:
                del self._kept[next(iter(self._kept))]
            self._kept[run_id] = network
        return self._kept[run_id]

    def close(self) -> None:
        """Begin no more work."""
        self._decoding.shutdown(wait=False, cancel_futures=True)
        self._computing.shutdown(wait=False, cancel_futures=True)

    def _decode(self, data: bytes, network: Classifier) -> tuple[Pixels, Pixels]:
        """The square for the network, as packing would have it, and a larger one for people; both RGB."""
        picture = PictureBytes("", data)
        seen = square(picture, network.size, self._limits, network.checkpoint.quality)
        try:
            return seen, square(picture, SHOWN, self._limits)
        except Unreadable:  # too elongated to be that large
            return seen, seen


async def _in(pool: Executor, work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def _ask(network: Classifier, seen: Pixels, shown: Pixels) -> Answer:
    (shares,) = network.probabilities(seen[np.newaxis]).tolist()
    ranked = sorted(zip(network.classes, shares, strict=True), key=lambda each: -each[1])
    heat, at, why = None, "", ""
    try:
        (values,) = heat_maps(network, seen[np.newaxis])
        heat, at = _url(".png", _coloured(values)), _highest(values)
    except UserError as error:
        why = str(error)
    return Answer(ranked[0][0], dict(ranked), _url(".jpg", shown[..., ::-1]), heat, at, why)


def _coloured(heat: NDArray[np.float32]) -> Pixels:
    """A map as BGRA, the clearer the less heat there is. heat: 0..1."""
    edge = min(HEAT, len(heat))
    small = cv2.resize(heat, (edge, edge), interpolation=cv2.INTER_AREA)
    colours = cv2.applyColorMap((255 * small).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return np.dstack([colours, (OPAQUE * small).astype(np.uint8)])


def _highest(heat: NDArray[np.float32]) -> str:
    """In which ninth of the picture the most heat is."""
    if not heat.any():
        return ""
    ninths = cv2.resize(heat, (3, 3), interpolation=cv2.INTER_AREA)
    row, column = divmod(int(ninths.argmax()), 3)
    return PLACES[row][column]


def _url(kind: str, picture: Pixels) -> str:
    data = cv2.imencode(kind, picture)[1].tobytes()
    return f"data:image/{'jpeg' if kind == '.jpg' else 'png'};base64,{base64.b64encode(data).decode()}"
