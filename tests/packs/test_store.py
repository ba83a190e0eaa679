import csv
import hashlib
import json
import logging
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.packs.lst_files import read_list
from catdog_exp.packs.manifest import read_manifest, write_manifest
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.recordio import read_index, read_records, unpack_record
from catdog_exp.packs.rejects import read_rejected
from catdog_exp.packs.store import REJECTED, open_pack
from catdog_exp.packs.verify import damage_in
from catdog_exp.sources.folders import Folder
from catdog_exp.sources.source import Listing, Picture
from tests.images.drawn import DATA, bytes_of, draw_pictures, visible


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    return draw_pictures(tmp_path / "pictures")


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "packs"


def test_a_pack_holds_both_sides_whole(listing: Listing, packs: Path):
    pack = open_pack(plan_pack(listing, DATA, packs))
    assert pack.folder == packs / pack.fingerprint
    assert pack.counts == {"train": {"cat": 16, "dog": 16}, "validation": {"cat": 4, "dog": 4}}
    assert (pack.classes, pack.rejected, pack.reused, pack.note) == (
        ["cat", "dog"],
        0,
        False,
        "drawn for a test",
    )
    assert pack.images_per_second is not None
    assert pack.images_per_second > 0
    paths = []
    for split, count in (("train", 32), ("validation", 8)):
        (rec,) = pack.records(split)
        assert rec == pack.folder / f"{split}_file.rec"
        entries = read_list(rec.with_suffix(".lst"))
        assert list(read_index(rec.with_suffix(".idx"))) == [entry.index for entry in entries] == list(range(count))
        records = [unpack_record(payload) for payload in read_records(rec)]
        assert [record.labels[0] for record in records] == [entry.label for entry in entries]
        paths += [entry.path for entry in entries]
    assert sorted(paths) == [picture.path for picture in listing.pictures]


def test_a_pack_with_a_test_side_has_its_files_beside_the_others(listing: Listing, packs: Path):
    pack = open_pack(plan_pack(listing, replace(DATA, test_ratio=0.1), packs))
    assert pack.counts == {
        "train": {"cat": 14, "dog": 14},
        "validation": {"cat": 4, "dog": 4},
        "test": {"cat": 2, "dog": 2},
    }
    (rec,) = pack.records("test")
    assert rec == pack.folder / "test_file.rec"
    assert list(read_index(rec.with_suffix(".idx"))) == [0, 1, 2, 3]
    tested = {entry.path for entry in read_list(rec.with_suffix(".lst"))}
    for split in ("train", "validation"):
        (other,) = pack.records(split)
        assert not tested & {entry.path for entry in read_list(other.with_suffix(".lst"))}
    assert read_manifest(pack.folder).counted == "28 + 8 + 4 pictures (cat 20, dog 20)"
    assert damage_in(pack.folder, threads=2) == []
    rec.unlink()
    assert damage_in(pack.folder, threads=2) == ["test_file.rec is missing"]
    assert not open_pack(plan_pack(listing, replace(DATA, test_ratio=0.1), packs)).reused
    assert rec.exists()


def test_a_pack_without_a_test_side_has_no_test_files(listing: Listing, packs: Path):
    pack = open_pack(plan_pack(listing, DATA, packs))
    assert not [path for path in pack.folder.iterdir() if "test" in path.name]


def test_a_class_without_a_picture_to_test_on_is_refused_before_any_work(listing: Listing, packs: Path):
    few = replace(listing, pictures=listing.pictures[:22])
    with pytest.raises(UserError, match="class dog has no picture to test on: it needs three pictures or more"):
        open_pack(plan_pack(few, replace(DATA, test_ratio=0.1), packs))
    assert [entry.name for entry in packs.iterdir() if not entry.name.startswith(".")] == []


def test_a_class_without_a_readable_picture_to_test_on_is_named(listing: Listing, packs: Path):
    tested = [replace(picture, split="test") if "000" in picture.path else picture for picture in listing.pictures]
    (listing.root / "dog" / "000.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"class dog has no picture left to test on: .* dog/000\.jpg \(empty file\)"):
        open_pack(plan_pack(replace(listing, pictures=tested), DATA, packs))
    assert visible(packs) == []


def test_the_manifest_describes_the_pack(listing: Listing, packs: Path):
    pack = open_pack(plan_pack(listing, DATA, packs))
    manifest = json.loads((pack.folder / "manifest.json").read_text())
    assert manifest["fingerprint"] == pack.fingerprint
    assert manifest["classes"] == ["cat", "dog"]
    assert manifest["counts"] == pack.counts
    settings = {"split_ratio": 0.8, "seed": 0, "resize": 16, "quality": 90}
    assert settings.items() <= manifest["settings"].items()
    sizes = [(listing.root / picture.path).stat().st_size for picture in listing.pictures]
    assert (manifest["source"]["pictures"], manifest["source"]["bytes"]) == (40, sum(sizes))
    assert len(manifest["source"]["sha256"]) == 64
    assert manifest["records"] == {"train": ["train_file.rec"], "validation": ["validation_file.rec"]}
    assert manifest["made"].endswith("+00:00")
    assert set(manifest["files"]) == set(bytes_of(pack))
    for name, content in bytes_of(pack).items():
        assert manifest["files"][name] == {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    assert set(manifest["versions"]) == {"catdog_exp", "numpy", "opencv", "pillow", "python", "simplejpeg"}


def test_the_second_time_it_is_there(listing: Listing, packs: Path, caplog: pytest.LogCaptureFixture):
    made = open_pack(plan_pack(listing, DATA, packs))
    before = {path.name: path.stat().st_mtime_ns for path in made.folder.iterdir()}
    with caplog.at_level(logging.INFO):
        found = open_pack(plan_pack(listing, DATA, packs))
    assert found == replace(made, reused=True, images_per_second=None)
    assert {path.name: path.stat().st_mtime_ns for path in made.folder.iterdir()} == before
    assert caplog.messages == [
        f"pack {made.folder} is there already: 32 + 8 pictures (cat 20, dog 20); "
        "its files' digests are right (`catdog packs verify` reads every picture)"
    ]


def test_it_is_told_what_was_packed(listing: Listing, packs: Path, caplog: pytest.LogCaptureFixture):
    (listing.root / "dog" / "003.jpg").write_bytes(b"")
    with caplog.at_level(logging.INFO):
        pack = open_pack(plan_pack(listing, DATA, packs))
    (line,) = caplog.messages
    assert line.startswith(
        ("packed 32 + 7 pictures (cat 20, dog 19) in ", "packed 31 + 8 pictures (cat 20, dog 19) in ")
    )
    assert line.endswith(f" pictures/s, 1 left out (see {pack.folder / 'rejected.csv'})")


def test_threads_and_place_of_the_pictures_change_nothing(listing: Listing, packs: Path, tmp_path: Path):
    pack = open_pack(plan_pack(listing, DATA, packs))
    shutil.copytree(listing.root, tmp_path / "elsewhere")
    moved = replace(listing, root=tmp_path / "elsewhere")
    again = open_pack(plan_pack(moved, replace(DATA, threads=7), tmp_path / "other packs"))
    assert again.fingerprint == pack.fingerprint
    assert bytes_of(again) == bytes_of(pack)


def test_repack_makes_it_anew_with_the_same_bytes(listing: Listing, packs: Path):
    pack = open_pack(plan_pack(listing, DATA, packs))
    before, made = bytes_of(pack), (pack.folder / "manifest.json").stat().st_mtime_ns
    again = open_pack(plan_pack(listing, replace(DATA, repack=True), packs))
    assert not again.reused
    assert again.fingerprint == pack.fingerprint
    assert bytes_of(again) == before
    assert (pack.folder / "manifest.json").stat().st_mtime_ns > made
    assert visible(packs) == [pack.fingerprint]


def test_a_changed_picture_gives_another_pack(listing: Listing, packs: Path):
    pack = open_pack(plan_pack(listing, DATA, packs))
    file = listing.root / listing.pictures[0].path
    file.write_bytes(file.read_bytes() + b"\0")
    again = open_pack(plan_pack(listing, DATA, packs))
    assert not again.reused
    assert again.fingerprint != pack.fingerprint


def test_a_picture_that_changes_or_vanishes_meanwhile_costs_that_one_alone(listing: Listing, packs: Path):
    plan = plan_pack(listing, DATA, packs)
    (listing.root / "cat" / "003.jpg").write_bytes((listing.root / "cat" / "004.jpg").read_bytes())
    (listing.root / "cat" / "005.jpg").unlink()
    (listing.root / "dog" / "007.jpg").write_bytes(b"")
    pack = open_pack(plan)
    assert {picture.path: picture.reason for picture in read_rejected(pack.folder / REJECTED, pack.classes)} == {
        "cat/003.jpg": "changed while the pictures were packed: run again",
        "cat/005.jpg": "no such file",
        "dog/007.jpg": "empty file",
    }
    again = open_pack(plan_pack(listing, DATA, packs))
    assert again.fingerprint != pack.fingerprint


def test_pictures_left_out_are_listed_with_reasons(listing: Listing, packs: Path):
    (listing.root / "dog" / "003.jpg").write_bytes(b"")
    (listing.root / "cat" / "007.jpg").write_bytes(b"a text, not a picture")
    (listing.root / "cat" / "001.jpg").unlink()
    pack = open_pack(plan_pack(listing, DATA, packs))
    assert pack.rejected == 3
    assert sum(sum(counts.values()) for counts in pack.counts.values()) == 37
    with (pack.folder / "rejected.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "class", "reason"],
            ["cat/001.jpg", "cat", "no such file"],
            ["cat/007.jpg", "cat", "not a picture, or a damaged one"],
            ["dog/003.jpg", "dog", "empty file"],
        ]


def test_a_class_without_a_readable_picture_is_named_and_nothing_is_left(listing: Listing, packs: Path):
    for path in (listing.root / "dog").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"class dog .* 20 of its pictures .* dog/000\.jpg \(empty file\)"):
        open_pack(plan_pack(listing, DATA, packs))
    assert visible(packs) == []


def test_a_class_of_one_picture_is_refused_before_any_work(listing: Listing, packs: Path):
    few = replace(listing, pictures=listing.pictures[:21])
    with pytest.raises(UserError, match="class dog has no picture to validate on: it needs two pictures or more"):
        open_pack(plan_pack(few, DATA, packs))
    assert [entry.name for entry in packs.iterdir() if not entry.name.startswith(".")] == []


@pytest.mark.slow
def test_a_pack_of_5000_pictures_is_found_again_in_a_few_times_a_look_at_its_files(packs: Path, tmp_path: Path):
    draw_pictures(tmp_path / "pictures", per_class=20)
    drawn = [path.read_bytes() for path in sorted((tmp_path / "pictures").rglob("*.jpg"))]
    for number in range(5_000):
        name = ("cat", "dog")[number % 2]
        file = tmp_path / "pictures" / name / f"{name}.{number}.jpg"
        file.write_bytes(drawn[number % len(drawn)] + number.to_bytes(4, "big"))
    source = Folder(str(tmp_path / "pictures"))
    made = open_pack(plan_pack(source.listing(DATA.classes), DATA, packs))
    time.sleep(2.1)
    open_pack(plan_pack(source.listing(DATA.classes), DATA, packs))  # remembers those that had just been written, too
    seconds, looks = [], []
    for _ in range(3):
        start = time.perf_counter()
        found = open_pack(plan_pack(source.listing(DATA.classes), DATA, packs))
        seconds.append(time.perf_counter() - start)
        assert found.folder == made.folder
        assert found.reused
        start = time.perf_counter()
        assert len([os.stat(file) for file in (tmp_path / "pictures").rglob("*.jpg")]) == 5_040  # noqa: PTH116
        looks.append(time.perf_counter() - start)
    # About 2: what is not listing is hashing names and sorting.
    assert min(seconds) < 6 * min(looks)


def test_class_names_in_any_script_are_kept(listing: Listing, packs: Path):
    named = replace(listing, classes=["猫", "chien d'été"])
    open_pack(plan_pack(named, DATA, packs))
    assert open_pack(plan_pack(named, DATA, packs)).counts["train"] == {"猫": 16, "chien d'été": 16}


@pytest.mark.slow
def test_the_real_photographs_are_packed_alike_twice(real_pictures: Path, packs: Path, tmp_path: Path):
    pictures = [
        Picture(f"{split}/{name}/{path.name}", label, split)
        for split in ("train", "validation")
        for label, name in enumerate(("cats", "dogs"))
        for path in sorted((real_pictures / split / name).glob("*.jpg"))
    ]
    listing = Listing(real_pictures, ["cat", "dog"], sorted(pictures, key=lambda picture: picture.path))
    data = replace(DATA, resize=32, quality=95)
    pack = open_pack(plan_pack(listing, replace(data, threads=16), packs))
    assert pack.counts == {"train": {"cat": 1000, "dog": 1000}, "validation": {"cat": 500, "dog": 500}}
    assert bytes_of(open_pack(plan_pack(listing, replace(data, threads=1), tmp_path / "again"))) == bytes_of(pack)


def test_packs_of_another_version_are_named_once_and_not_reused(listing: Listing, packs: Path, caplog):
    caplog.set_level("INFO")
    first = open_pack(plan_pack(listing, DATA, packs))
    old = packs / "0123456789abcdef"
    first.folder.rename(old)
    write_manifest(old, replace(read_manifest(old), fingerprint=old.name, format=2))
    pack = open_pack(plan_pack(listing, DATA, packs))
    assert not pack.reused
    (line,) = (record.getMessage() for record in caplog.records if "not reused" in record.getMessage())
    assert f"1 packs in {packs}" in line
