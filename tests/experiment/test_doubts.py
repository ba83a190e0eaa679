"""Near-duplicates between sides, and labels that are probably wrong: what an evaluation writes of them."""

import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from catdog_exp.data.decoded_cache import decoded_side
from catdog_exp.experiment.judging import digests_of
from catdog_exp.experiment.stages.doubts import Side, log_doubtful_labels, log_near_duplicates
from catdog_exp.experiment.work import Work
from catdog_exp.inference.evaluation import evaluate
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.store import Pack, open_pack
from catdog_exp.sources.source import Listing, Picture
from catdog_exp.tracking.run_log import RunLog
from tests.images.drawn import DATA, draw_pictures


class Logged(RunLog):
    """What was logged, by name."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self.files: list[str] = []

    def figures(self, values: Mapping[str, float]) -> None:
        self.found |= values

    def artifact(self, path: Path, folder: str = "") -> None:  # noqa: ARG002 - all go to one place
        self.files.append(path.name)


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    """20 pictures of each class: 15 to train on, 5 to validate on, of which the first is a mirrored copy of one."""
    drawn = draw_pictures(tmp_path / "pictures", edge=60)
    for name in ("cat", "dog"):
        copied = cv2.imread(str(drawn.root / name / "007.jpg"))
        cv2.imwrite(str(drawn.root / name / "000.jpg"), cv2.resize(copied[:, ::-1], None, fx=0.6, fy=0.6))
    sides = [
        Picture(each.path, each.label, "validation" if each.path[4:] < "005" else "train") for each in drawn.pictures
    ]
    return dataclasses.replace(drawn, pictures=sides)


def judged(listing: Listing, folder: Path, corrections: Path | None = None) -> tuple[Work, Pack, list[Side], Logged]:
    """A network that takes one cat for a dog, and a dog for a cat: the first and the second validation picture."""
    data = dataclasses.replace(DATA, corrections=None if corrections is None else str(corrections))
    plan = plan_pack(listing, data, folder / "packs")
    pack, log = open_pack(plan), Logged()
    config: Any = SimpleNamespace(data=data, hardware=SimpleNamespace(threads=2))
    work = Work(config, SimpleNamespace(pack=plan), folder, log)  # type: ignore[arg-type]
    sides = []
    for split in ("train", "validation"):
        pictures, digests = decoded_side(pack, split, 16, threads=2), digests_of(plan, pack, split)
        if split == "train":
            sides.append(Side(split, pictures, digests))
            continue
        names = {plan.contents[entry.path].sha256: entry.path for entry in plan.lists[split]}
        wrong = [names[digest] in ("cat/000.jpg", "dog/001.jpg") for digest in digests]
        said = np.where(wrong, 1 - pictures.labels, pictures.labels)
        probabilities = np.where(np.eye(2)[said] == 1, 0.9, 0.1)
        sides.append(Side(split, pictures, digests, evaluate(pictures.labels, probabilities, ["cat", "dog"])))
    return work, pack, sides, log


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_near_duplicates_are_listed_and_the_accuracy_without_them_is_logged(listing: Listing, tmp_path: Path):
    work, pack, sides, log = judged(listing, tmp_path)
    figures = log_near_duplicates(work, pack, sides)
    assert log.found == figures
    assert figures["best/near_duplicates"] == 2
    assert figures["best/accuracy_without_near_duplicates"] == pytest.approx(7 / 8)
    assert log.files == ["near_duplicates.csv", "near_duplicates.png"]
    assert (tmp_path / "near_duplicates.png").read_bytes().startswith(b"\x89PNG")
    found = sorted((row["picture"], row["near"], row["mirrored"]) for row in rows(tmp_path / "near_duplicates.csv"))
    assert found == [(f"{name}/000.jpg", f"{name}/007.jpg", "yes") for name in ("cat", "dog")]
    kept = pack.folder / "hashes" / "train" / "hashes.npy"
    made = kept.stat().st_mtime_ns
    assert log_near_duplicates(work, pack, sides) == figures
    assert kept.stat().st_mtime_ns == made
    assert log_near_duplicates(work, pack, sides[1:]) == {}  # with nothing to compare


def test_doubtful_labels_are_listed_in_the_file_that_corrects_them(listing: Listing, tmp_path: Path):
    work, pack, sides, log = judged(listing, tmp_path)
    log_doubtful_labels(work, pack, sides)
    assert log.files == ["likely_wrong_labels.csv", "likely_wrong_labels.png"]
    table = tmp_path / "likely_wrong_labels.csv"
    listed = {row["picture"]: (row["class"], row["suggested"], row["side"], row["correction"]) for row in rows(table)}
    assert listed == {
        "cat/000.jpg": ("cat", "dog", "validation", ""),
        "dog/001.jpg": ("dog", "cat", "validation", ""),
    }
    # One is corrected, the file given back: that picture is asked for no more, and what was said of it stays.
    edited = tmp_path / "edited.csv"
    edited.write_text(table.read_text().replace("0.9000,yes,,", "0.9000,yes,dog,", 1))
    (settled,) = (row["picture"] for row in rows(edited) if row["correction"])
    again = judged(listing, tmp_path, edited)
    log_doubtful_labels(*again[:3])
    corrections = {row["picture"]: row["correction"] for row in rows(table)}
    assert corrections[settled] == "dog"
    assert list(corrections)[-1] == settled
