"""What pictures are like, for a network's accuracy to hang on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catdog_exp.images.resize import center_crop

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures


@dataclass(frozen=True)
class Trait:
    """What each of N pictures has more or less of. unit: what is measured. values: shape (N,), NaN where not known."""

    name: str
    unit: str
    values: NDArray[np.float64]


def picture_traits(pictures: DecodedPictures, files: Sequence[Path]) -> list[Trait]:
    """Size, brightness and sharpness of N pictures: the first of the `files` that they are from, the others of crops.

    The Laplacian is about 0 where a picture is even or blurred, and large at sharp edges (Pech-Pacheco et al., 2000).
    """
    gray = np.empty((2, len(pictures)))
    for place, picture in enumerate(pictures.in_order()):
        crop = cv2.cvtColor(center_crop(picture, pictures.size), cv2.COLOR_RGB2GRAY)
        gray[:, place] = crop.mean(), cv2.Laplacian(crop, cv2.CV_32F).std()
    return [
        Trait("size", "short edge of the file (pixels)", np.array([_short_edge(file) for file in files], np.float64)),
        Trait("brightness", "mean gray (0 to 255)", gray[0]),
        Trait("sharpness", "deviation of the Laplacian (gray levels)", gray[1]),
    ]


def _short_edge(file: Path) -> float:
    """As the file's header says, NaN where that cannot be read any more."""
    try:
        with Image.open(file) as opened:
            return min(opened.size)
    except (OSError, ValueError, Image.DecompressionBombError):
        return np.nan
