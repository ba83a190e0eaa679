import json
from pathlib import Path

import pytest

from catdog_exp.packs.manifest import (
    Damaged,
    Manifest,
    by_class,
    damaged_files,
    file_digest,
    read_manifest,
    write_manifest,
)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A folder with one file and its manifest."""
    (tmp_path / "train_file.rec").write_bytes(b"records")
    manifest = Manifest(
        fingerprint="0123456789abcdef",
        format=1,
        classes=["猫", "dog"],
        counts={"train": {"猫": 1, "dog": 2}, "validation": {"猫": 1, "dog": 1}},
        rejected=0,
        same_picture={"on_both_sides": 0, "in_two_classes": 0},
        settings={"resize": 16},
        source={"pictures": 5, "bytes": 100, "sha256": "0" * 64},
        note="a name that is not UTF-8: \udcff",
        made="2026-01-31T12:00:00+00:00",
        images_per_second=12.5,
        records={"train": ["train_file.rec"], "validation": []},
        files={"train_file.rec": file_digest(tmp_path / "train_file.rec")},
        versions={"python": "3.11"},
    )
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    return tmp_path


def _damage(folder: Path) -> list[str]:
    return damaged_files(folder, read_manifest(folder))


def test_files_as_they_were_made_are_not_damaged(pack: Path):
    assert _damage(pack) == []


def test_damaged_files_are_named_with_what_is_wrong(pack: Path):
    file = pack / "train_file.rec"
    file.write_bytes(b"recordz")
    assert _damage(pack) == ["train_file.rec has other bytes than when it was made"]
    file.write_bytes(b"record")
    assert _damage(pack) == ["train_file.rec has 6 bytes instead of 7"]
    file.unlink()
    assert _damage(pack) == ["train_file.rec is missing"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"dog": 2', b'"dog": 3'),
        (b"12.5", b"12.6"),
        (b'"rejected": 0', b'"rejected": 1'),
        (b"}", b""),
        (b"\n", b"\xff"),
    ],
    ids=["count", "speed", "rejected", "cut", "no text"],
)
def test_a_changed_manifest_is_damaged(pack: Path, before: bytes, after: bytes):
    file = pack / "manifest.json"
    file.write_bytes(file.read_bytes().replace(before, after, 1))
    with pytest.raises(Damaged, match=r"manifest\.json is damaged"):
        read_manifest(pack)


@pytest.mark.parametrize("content", ["", "null", "[]", "{}", '{"sha256": ""}'])
def test_something_else_in_place_of_the_manifest_is_damaged(pack: Path, content: str):
    (pack / "manifest.json").write_text(content)
    with pytest.raises(Damaged, match=r"manifest\.json is damaged"):
        read_manifest(pack)


def test_no_manifest_is_damage(pack: Path):
    (pack / "manifest.json").unlink()
    with pytest.raises(Damaged, match=r"manifest\.json is missing"):
        read_manifest(pack)


def test_it_can_be_read_by_other_programs(pack: Path):
    values = json.loads((pack / "manifest.json").read_text(encoding="utf-8", errors="surrogateescape"))
    assert values["classes"] == ["猫", "dog"]
    assert values["files"]["train_file.rec"]["bytes"] == 7


def test_the_classes_are_counted_in_a_line_that_is_short_for_many_of_them():
    assert by_class({"cat": 1200, "dog": 3}) == "cat 1,200, dog 3"
    counts = {f"breed {number}": 90 - number % 50 for number in range(120)}
    assert by_class(counts) == "120 classes, from breed 49 41 to breed 0 90"
