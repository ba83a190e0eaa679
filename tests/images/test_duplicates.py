"""Pictures that show the same though their files differ."""

import cv2
import numpy as np

from catdog_exp.images.duplicates import near_duplicates, perceptual_hashes


def drawn(count: int, seed: int, edge: int = 96) -> list[np.ndarray]:
    """Pictures of as many soft spots as a photograph has things in it, of several shapes."""
    rng = np.random.default_rng(seed)
    return [
        cv2.resize(
            rng.integers(0, 256, (7, 8, 3), np.uint8), (edge + 8 * (number % 4), edge), interpolation=cv2.INTER_CUBIC
        )
        for number in range(count)
    ]


def compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def test_copies_made_smaller_compressed_or_mirrored_are_found_and_no_others():
    known = drawn(400, seed=0)
    copies = [
        *(cv2.resize(picture, None, fx=0.4, fy=0.45, interpolation=cv2.INTER_AREA) for picture in known[:20]),
        *(compressed(picture, 20) for picture in known[20:40]),
        *(compressed(picture[:, ::-1], 85) for picture in known[40:60]),
        *(np.clip(picture * 0.7 + 40, 0, 255).astype(np.uint8) for picture in known[60:80]),
    ]
    others = drawn(600, seed=1)
    found = near_duplicates(perceptual_hashes([*others, *copies], threads=2), perceptual_hashes(known, threads=2))
    assert [(each.place - 600, each.other) for each in found] == [(number, number) for number in range(80)]
    assert [each.other for each in found if each.mirrored] == list(range(40, 60))
    assert all(0.97 < each.likeness <= 1 for each in found)


def test_pictures_of_one_colour_are_like_no_other():
    plain = [np.full((40, 50, 3), value, np.uint8) for value in (0, 90, 90, 255)]
    small = perceptual_hashes(plain, threads=1)
    assert near_duplicates(small, small) == []
    assert near_duplicates(small, perceptual_hashes([], threads=1)) == []
    assert near_duplicates(perceptual_hashes([], threads=1), small) == []
