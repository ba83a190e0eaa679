"""A picture for all tests of pictures."""

import cv2
import numpy as np
import pytest

from catdog_exp.images.resize import Pixels


@pytest.fixture
def scene() -> Pixels:
    """480 rows × 640 columns: smooth, and each quarter in a colour of its own (BGR)."""
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:240, :320] = (200, 30, 30)
    picture[:240, 320:] = (30, 200, 30)
    picture[240:, :320] = (30, 30, 200)
    picture[240:, 320:] = (220, 220, 220)
    return cv2.GaussianBlur(picture, (0, 0), 9).astype(np.uint8)
