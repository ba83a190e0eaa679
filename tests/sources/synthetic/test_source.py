import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.sources.synthetic.drawing import draw
from catdog_exp.sources.synthetic.source import Synthetic
from tests.reference import reference_seconds

CLASSES = ["cat", "dog"]


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.jpg")}


def drawn(folder: str) -> list[str]:
    return [picture.path for picture in Synthetic(folder, count=60, seed=1).listing(CLASSES).pictures]


def test_the_listing_holds_as_many_cats_as_dogs_and_says_that_they_are_drawn(tmp_path, terminal):
    shown = terminal()
    listing = Synthetic(str(tmp_path), count=20, seed=0).listing(CLASSES)
    assert listing.root.parent == tmp_path
    assert "drawn" in listing.note
    assert "not photographs" in listing.note
    paths = [picture.path for picture in listing.pictures]
    assert paths == sorted(paths)
    assert paths == sorted(contents(listing.root))
    assert [sum(picture.label == label for picture in listing.pictures) for label in (0, 1)] == [10, 10]
    assert all(picture.path.startswith(f"{CLASSES[picture.label]}/") for picture in listing.pictures)
    assert "drawing" in shown.getvalue()


def test_every_picture_is_a_colour_picture_of_its_own_between_60_and_500_pixels(tmp_path):
    listing = Synthetic(str(tmp_path), count=60, seed=0).listing(CLASSES)
    data = contents(listing.root)
    assert len(set(data.values())) == 60
    sizes = set()
    for jpeg in data.values():
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert min(pixels.shape[:2]) >= 60
        assert max(pixels.shape[:2]) <= 500
        assert pixels.std() > 2
        sizes.add(pixels.shape[:2])
    assert len(sizes) > 40


def test_pictures_that_were_cut_or_lost_are_drawn_again_and_no_others(tmp_path: Path, caplog):
    source = Synthetic(str(tmp_path), 12, 7)
    root = source.listing(CLASSES).root
    whole = contents(root)
    times = {path: (root / path).stat().st_mtime_ns for path in whole}
    cut, emptied, lost, zeroed = sorted(whole)[1:5]
    (root / cut).write_bytes(whole[cut][: len(whole[cut]) // 2])
    (root / emptied).write_bytes(b"")
    (root / lost).unlink()
    (root / zeroed).write_bytes(whole[zeroed][:-300] + bytes(300))
    source.listing(CLASSES)
    assert contents(root) == whole
    again = {path for path, time in times.items() if (root / path).stat().st_mtime_ns != time}
    assert again == {cut, emptied, lost, zeroed}
    assert "4 of the drawn pictures in" in caplog.text


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    first = contents(Synthetic(str(tmp_path / "a"), 12, 7).listing(CLASSES).root)
    second = contents(Synthetic(str(tmp_path / "b"), 12, 7).listing(CLASSES).root)
    other = contents(Synthetic(str(tmp_path / "a"), 12, 8).listing(CLASSES).root)
    assert first == second
    assert not set(first.values()) & set(other.values())


def test_a_picture_follows_from_its_number_whatever_else_is_drawn(tmp_path, monkeypatch):
    many = contents(Synthetic(str(tmp_path), 24, 7).listing(CLASSES).root)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    few = contents(Synthetic(str(tmp_path), 6, 7).listing(CLASSES).root)
    assert few == {path: many[path] for path in few}
    assert draw(1, 7, 3) == many["dog/dog.000001.jpg"]


def test_what_is_drawn_is_kept(tmp_path):
    source = Synthetic(str(tmp_path), 6, 0)
    root = source.listing(CLASSES).root
    mine = (root / "cat" / "cat.000001.jpg").read_bytes()
    (root / "cat" / "cat.000000.jpg").write_bytes(mine)
    assert source.listing(CLASSES).root == root
    assert (root / "cat" / "cat.000000.jpg").read_bytes() == mine


def test_a_drawing_that_was_broken_off_leaves_nothing_that_is_used(tmp_path, monkeypatch):
    def broken(label: int, seed: int, index: int) -> bytes:
        if index == 5:
            raise KeyboardInterrupt
        return draw(label, seed, index)

    source = Synthetic(str(tmp_path), 12, 0)
    with monkeypatch.context() as patch:
        patch.setattr("catdog_exp.sources.synthetic.drawing.draw", broken)
        with pytest.raises(KeyboardInterrupt):
            source.listing(CLASSES)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
    assert len(contents(source.listing(CLASSES).root)) == 12


def test_processes_at_the_same_time_share_one_whole_folder(tmp_path):
    with ProcessPoolExecutor(3, get_context("spawn")) as pool:
        found = list(pool.map(drawn, [str(tmp_path)] * 3))
    assert len(found[0]) == 60
    assert found == [found[0]] * 3
    folders = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(folders) == 1
    assert sorted(contents(folders[0])) == found[0]


def test_only_cats_and_dogs_can_be_drawn(tmp_path):
    source = Synthetic(str(tmp_path), 4, 0)
    assert source.listing(["Cats", "Dogs"]).classes == ["Cats", "Dogs"]
    for classes in (["cat", "dog", "bird"], ["rose", "tulip"], ["dog", "cat"]):
        with pytest.raises(UserError, match="drawn pictures are of a cat"):
            source.listing(classes)


def test_a_folder_that_is_a_file_is_seen_before_any_work(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="this is a file"):
        Synthetic(str(tmp_path / "file"), 4, 0).check(["cat", "dog"])


@pytest.mark.slow
def test_1_200_pictures_are_drawn_within_seconds(tmp_path):
    before = reference_seconds()
    started = time.process_time()
    Synthetic(str(tmp_path), 1200, 0).listing(CLASSES)
    a_picture = (time.process_time() - started) / 1200
    assert a_picture < 0.45 * (before + reference_seconds()) / 2  # 0.29 to 0.36, on an idle machine and a busy one
