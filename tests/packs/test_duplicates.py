"""The same picture on both sides, or in two classes."""

import json
import logging
import shutil
from pathlib import Path

import pytest
from PIL import Image

from catdog_exp.errors import UserError
from catdog_exp.sources.folders import Folder
from catdog_exp.sources.source import SPLITS, Listing, Picture
from tests.packs.packed import encoded, pack_folder, pack_listing, put

RED = encoded(Image.new("RGB", (50, 40), "red"), "PNG")
BLUE = encoded(Image.new("RGB", (50, 40), "blue"), "PNG")


def test_a_picture_on_both_sides_stays_in_validation_alone(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    put(folder, {"train/cat/1.png": RED, "train/cat/2.png": RED, "train/cat/3.png": BLUE, "validation/cat/9.png": RED})
    with caplog.at_level(logging.INFO):
        result = pack_folder(folder, tmp_path / "packs")
    assert result.reasons == dict.fromkeys(
        ["train/cat/1.png", "train/cat/2.png"], "same picture as validation/cat/9.png, which is validated on"
    )
    assert {"validation/cat/9.png", "train/cat/3.png"} <= set(result.pictures)
    assert result.pack.counts["train"]["cat"] == 2
    manifest = json.loads((result.pack.folder / "manifest.json").read_text())
    assert manifest["same_picture"] == {"on_both_sides": 2, "in_two_classes": 0}
    assert "2 left out, 2 since the same picture is on another side (see " in caplog.messages[-1]


def test_a_picture_on_three_sides_is_tested_on_alone(folder: Path, tmp_path: Path):
    files = {f"{split}/{name}/own.png": split for split in SPLITS for name in ("cat", "dog")}
    pictures = [Picture(path, "/dog/" in path, split) for path, split in files.items()]
    for number, path in enumerate(files):
        (folder / path).parent.mkdir(parents=True)
        Image.new("RGB", (50, 40), (40 * number, 0, 0)).save(folder / path)
    for split in SPLITS:
        (folder / split / "cat" / "red.png").write_bytes(RED)
        pictures.append(Picture(f"{split}/cat/red.png", 0, split))
    for split in ("train", "validation"):
        (folder / split / "dog" / "blue.png").write_bytes(BLUE)
        pictures.append(Picture(f"{split}/dog/blue.png", 1, split))
    result = pack_listing(Listing(folder, ["cat", "dog"], pictures), tmp_path / "packs")
    assert result.reasons == {
        "train/cat/red.png": "same picture as test/cat/red.png, which is tested on",
        "validation/cat/red.png": "same picture as test/cat/red.png, which is tested on",
        "train/dog/blue.png": "same picture as validation/dog/blue.png, which is validated on",
    }
    assert result.pack.counts == {
        "train": {"cat": 1, "dog": 1},
        "validation": {"cat": 1, "dog": 2},
        "test": {"cat": 2, "dog": 1},
    }


def test_a_picture_in_two_classes_is_left_out_of_both(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    put(folder, {"train/cat/1.png": RED, "train/dog/1.png": RED, "train/dog/2.png": BLUE, "validation/cat/3.png": BLUE})
    with caplog.at_level(logging.INFO):
        result = pack_folder(folder, tmp_path / "packs")
    assert result.reasons == {
        "train/cat/1.png": "same picture as train/dog/1.png, which is of another class",
        "train/dog/1.png": "same picture as train/cat/1.png, which is of another class",
        "train/dog/2.png": "same picture as validation/cat/3.png, which is of another class",
        "validation/cat/3.png": "same picture as train/dog/2.png, which is of another class",
    }
    manifest = json.loads((result.pack.folder / "manifest.json").read_text())
    assert manifest["same_picture"] == {"on_both_sides": 0, "in_two_classes": 4}
    assert "4 left out, 4 since the same picture is in another class (see " in caplog.messages[-1]


def test_a_picture_twice_on_one_side_stays_twice(folder: Path, tmp_path: Path):
    put(folder, {"train/cat/1.png": RED, "train/cat/2.png": RED, "validation/dog/1.png": BLUE})
    shutil.copy(folder / "validation/dog/1.png", folder / "validation/dog/2.png")
    result = pack_folder(folder, tmp_path / "packs")
    assert (len(result.pictures), result.reasons) == (8, {})


def test_broken_files_are_not_the_same_picture(folder: Path, tmp_path: Path):
    put(folder, {"train/cat/1.png": b"", "train/dog/1.png": b"", "validation/cat/1.png": b""})
    assert set(pack_folder(folder, tmp_path / "packs").reasons.values()) == {"empty file"}


def test_a_random_split_has_no_picture_on_both_sides(tmp_path: Path):
    for name in ("cat", "dog"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(30):
            content = encoded(Image.new("RGB", (40, 40), (8 * number, 0, 90 * (name == "cat"))), "PNG")
            for copy in "ab":
                (tmp_path / "pictures" / name / f"{number}{copy}.png").write_bytes(content)
    listing = Folder(str(tmp_path / "pictures")).listing(["cat", "dog"])
    results = [pack_listing(listing, tmp_path / place, split_ratio=0.8, seed=3) for place in ("one", "two")]
    pack = results[0].pack
    numbers = {
        split: {tuple(line.split("\t")[2][:-5].split("/")) for line in rec.with_suffix(".lst").read_text().splitlines()}
        for split, (rec,) in ((each, pack.records(each)) for each in pack.record_files)
    }
    assert not numbers["train"] & numbers["validation"]
    assert len(numbers["train"] | numbers["validation"]) == 60  # of no picture are all copies gone
    assert sum(pack.counts["validation"].values()) == 24
    assert results[0].reasons == results[1].reasons


def test_two_links_to_one_folder_are_two_classes_of_the_same_pictures(folder: Path, tmp_path: Path):
    put(folder, {"train/cat/1.png": RED})
    shutil.rmtree(folder / "train/dog")
    (folder / "train/dog").symlink_to(folder / "train/cat")
    with pytest.raises(UserError, match=r"class cat has no picture left to train on: .* which is of another class"):
        pack_folder(folder, tmp_path / "packs")
