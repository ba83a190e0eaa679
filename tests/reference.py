"""What a piece of work costs on this machine, now: tests of speed compare with it, and not with a clock."""

import time

import cv2
import numpy as np

PICTURES = 20


def reference_seconds() -> float:
    """Seconds of the processor for a picture of 512 × 512 pixels, blurred and written as PNG; of several the mean."""
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    began = time.process_time()
    for _ in range(PICTURES):
        cv2.imencode(".png", cv2.GaussianBlur(noise, (31, 31), 0))
    return (time.process_time() - began) / PICTURES
