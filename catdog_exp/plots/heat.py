"""A heat map over the picture that it is of."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catdog_exp.images.resize import Pixels

MOST = 0.65  # share that the hottest place's colour has of what is shown; a cold place is the picture alone
REDDEST = 225  # of the colours' 255; beyond they darken


def heated(picture: Pixels, heat: NDArray[np.float32]) -> Pixels:
    """The picture, RGB, shape (height, width, 3), under the colours of a heat map of any size, 0..1.

    The hotter, the less of the picture is seen, and the redder it is: blue, green, yellow, red.
    """
    height, width = picture.shape[:2]
    fitting = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap((REDDEST * fitting).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    share = MOST * np.sqrt(fitting)[..., np.newaxis]
    mixed: Pixels = np.rint((1 - share) * picture + share * colours).astype(np.uint8)
    return mixed
