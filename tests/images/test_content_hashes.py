import hashlib
import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from catdog_exp.images import content_hashes as digests
from catdog_exp.images.content_hashes import contents, unchanged

PATHS = [f"{name}/{number}.jpg" for name in ("cat", "dog") for number in range(20)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Files that changed an hour ago, as far as can be said: nothing but waiting can set a file's change time."""
    root = tmp_path / "pictures"
    for path in PATHS:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    return root


@pytest.fixture
def settled(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same files, seen with so fine a clock that they have settled."""
    monkeypatch.setattr(digests, "RACY", 20_000_000)
    time.sleep(0.05)
    return root


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that have been read, as they are read."""
    files: list[str] = []
    plain = digests._read

    def noting(file: str) -> digests.Content:
        files.append(file)
        return plain(file)

    monkeypatch.setattr(digests, "_read", noting)
    return files


def _digests(root: Path, memory: Path) -> dict[str, str]:
    return {path: content.sha256 for path, content in contents(root, PATHS, memory, threads=3).items()}


def _expected(root: Path) -> dict[str, str]:
    return {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in PATHS}


def test_sizes_and_digests_are_those_of_the_files(root: Path, tmp_path: Path):
    found = contents(root, PATHS, tmp_path / "memory", threads=3)
    assert {path: content.sha256 for path, content in found.items()} == _expected(root)
    assert {content.size for content in found.values()} == {len("cat/1.jpg"), len("cat/10.jpg")}


def test_what_is_known_is_not_read_again(settled: Path, tmp_path: Path, read: list[str]):
    first = _digests(settled, tmp_path)
    assert len(read) == len(PATHS)
    assert _digests(settled, tmp_path) == first
    assert len(read) == len(PATHS)


def test_a_changed_picture_is_read_again(settled: Path, tmp_path: Path, read: list[str]):
    _digests(settled, tmp_path)
    read.clear()
    (settled / "cat/3.jpg").write_text("CAT/3.JPG")  # the same size
    (settled / "dog/4.jpg").unlink()
    (settled / "dog/4.jpg").write_text("dog/4.jpg")
    assert _digests(settled, tmp_path) == _expected(settled)
    assert sorted(read) == [f"{settled}/cat/3.jpg", f"{settled}/dog/4.jpg"]


def test_a_change_with_the_old_time_put_back_is_seen(settled: Path, tmp_path: Path):
    _digests(settled, tmp_path)
    file = settled / "cat/3.jpg"
    before = file.stat()
    file.write_text("CAT/3.JPG")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _digests(settled, tmp_path) == _expected(settled)


def test_a_file_that_has_just_been_written_is_not_trusted(root: Path, tmp_path: Path, read: list[str]):
    _digests(root, tmp_path)
    _digests(root, tmp_path)
    assert len(read) == 2 * len(PATHS)


def test_a_new_picture_is_read_alone_and_one_that_went_is_forgotten(settled: Path, tmp_path: Path, read: list[str]):
    contents(settled, PATHS[:-1], tmp_path, threads=2)
    read.clear()
    (settled / PATHS[0]).unlink()
    contents(settled, PATHS[1:], tmp_path, threads=2)
    assert read == [f"{settled}/{PATHS[-1]}"]
    (memory,) = tmp_path.glob("*.json")
    assert sorted(json.loads(memory.read_text().partition("\n")[2])) == sorted(PATHS[1:])


def test_what_another_choice_of_the_pictures_does_not_have_is_kept(settled: Path, tmp_path: Path, read: list[str]):
    contents(settled, PATHS[:20], tmp_path, threads=2)
    contents(settled, PATHS[20:], tmp_path, threads=2)
    assert len(read) == len(PATHS)
    _digests(settled, tmp_path)
    assert len(read) == len(PATHS)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text", "gone", "folder"])
def test_a_damaged_memory_costs_time_only(settled: Path, tmp_path: Path, damage: str):
    _digests(settled, tmp_path)
    (memory,) = tmp_path.glob("*.json")
    content = bytearray(memory.read_bytes())
    if damage == "flip":
        content[-40] ^= 1
    if damage == "folder":
        memory.unlink()
        memory.mkdir()
    elif damage == "gone":
        memory.unlink()
    else:
        memory.write_bytes({"flip": content, "cut": content[:200], "empty": b"", "text": b"{}\n"}[damage])
    assert _digests(settled, tmp_path) == _expected(settled)
    assert _digests(settled, tmp_path) == _expected(settled)


def test_without_a_place_for_the_memory_the_pictures_are_read(settled: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    assert _digests(settled, tmp_path / "file" / "memory") == _expected(settled)


def test_a_picture_that_cannot_be_read_has_no_digest_and_is_tried_again(settled: Path, tmp_path: Path):
    file = settled / "cat/3.jpg"
    file.unlink()
    assert _digests(settled, tmp_path)["cat/3.jpg"] == "error 2"
    file.write_text("back")
    assert _digests(settled, tmp_path) == _expected(settled)


def test_what_has_changed_since_is_named(root: Path, tmp_path: Path):
    (root / "cat/1.jpg").unlink()
    found = contents(root, PATHS, tmp_path, threads=2)
    assert [path for path in PATHS if not unchanged(f"{root}/{path}", found[path])] == []
    (root / "cat/3.jpg").write_text("cat/3.jpg")
    (root / "dog/4.jpg").unlink()
    (root / "cat/1.jpg").write_text("new")
    changed = [path for path in PATHS if not unchanged(f"{root}/{path}", found[path])]
    assert sorted(changed) == ["cat/1.jpg", "cat/3.jpg", "dog/4.jpg"]


def test_a_pipe_that_took_a_pictures_place_is_not_waited_for(root: Path, tmp_path: Path):
    (root / "cat/1.jpg").unlink()
    os.mkfifo(root / "cat/1.jpg")
    assert contents(root, PATHS, tmp_path, threads=2)["cat/1.jpg"].sha256.startswith("error")


def _look(root: Path, memory: Path, results: "multiprocessing.Queue[dict[str, str]]") -> None:
    results.put(_digests(root, memory))


def test_several_processes_at_once_find_the_same(root: Path, tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_look, args=(root, tmp_path / "memory", results)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [results.get(timeout=60) for _ in processes] == [_expected(root)] * 3
    for process in processes:
        process.join()
    assert not list((tmp_path / "memory").glob("*.aside"))
