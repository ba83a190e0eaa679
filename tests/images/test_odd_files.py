"""Files of odd names and extensions, links, and hidden files."""

import os
from pathlib import Path

import pytest
from PIL import Image

from catdog_exp.mx import mx
from tests.packs.packed import (
    JPEG,
    PICTURE,
    SCENE,
    encoded,
    looks_like,
    pack_folder,
    packed,
    put,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_the_content_decides_and_not_the_extension(folder: Path, kind: str):
    for name in ("1.jpg", "1.PNG", "1.Gif"):
        assert looks_like(packed(folder, name, encoded(PICTURE, kind)), SCENE, tolerance=8)
        (folder / "train/cat" / name).unlink()


ODD_NAMES = [
    "UPPER.JPEG",
    "süße 猫 🐈 100 %.jpg",
    "n" * 251 + ".jpg",
    "猫" * 83 + ".jpg",  # 253 bytes
    "a\ttab.jpg",
    "two\nlines.jpg",
    "carriage\rreturn.jpg",
    'quotes " and, commas.jpg',
    r"back\slash \x09.jpg",
    os.fsdecode(b"latin \xe9t\xe9.jpg"),
    "-rf.jpg",
]


def test_a_file_of_any_name_is_packed_and_mxnet_reads_the_pack(folder: Path):
    drawn = [encoded(Image.new("RGB", (40, 40), (9 * place, 0, 0)), "PNG") for place in range(len(ODD_NAMES))]
    files = {f"train/dog/{name}": content for name, content in zip(ODD_NAMES, drawn, strict=True)}
    result = pack_folder(put(folder, files), folder.parent / "packs")
    assert result.reasons == {}
    assert set(files) <= set(result.pictures)
    (rec,) = result.pack.records("train")
    paths = {"path_imgrec": str(rec), "path_imglist": str(rec.with_suffix(".lst"))}
    batches = mx.io.ImageRecordIter(**paths, data_shape=(3, 32, 32), batch_size=1, round_batch=False)
    labels = [float(batch.label[0].asscalar()) for batch in batches]
    assert sorted(labels) == [0.0] + [1.0] * (1 + len(ODD_NAMES))
    listed = mx.image.ImageIter(1, (3, 32, 32), **paths, path_imgidx=str(rec.with_suffix(".idx")))
    assert len(listed.imglist) == len(labels)


def test_a_left_out_file_of_an_odd_name_has_one_line_in_the_list_of_them(folder: Path):
    result = pack_folder(put(folder, {"train/cat/two\nlines \t.jpg": b""}), folder.parent / "packs")
    assert result.reasons == {"train/cat/two\nlines \t.jpg": "empty file"}
    assert (result.pack.folder / "rejected.csv").read_text(encoding="utf-8").splitlines() == [
        "path,class,reason",
        r"train/cat/two\x0alines \x09.jpg,cat,empty file",
    ]


def test_links_are_followed_and_those_that_lead_nowhere_are_told(folder: Path, tmp_path: Path):
    put(folder, {})
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "1.jpg").write_bytes(JPEG)
    (tmp_path / "2.png").write_bytes(encoded(PICTURE.rotate(180), "PNG"))
    cats = folder / "train" / "cat"
    (cats / "album").symlink_to(tmp_path / "album")
    (cats / "2.png").symlink_to(tmp_path / "2.png")
    (cats / "3.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (cats / "4.jpg").symlink_to("4.jpg")
    (cats / "circle").symlink_to(cats)
    result = pack_folder(folder, tmp_path / "packs")
    assert {path for path in result.pictures if path.startswith("train/cat")} == {
        "train/cat/whole.png",
        "train/cat/album/1.jpg",
        "train/cat/2.png",
    }
    assert result.reasons == {
        "train/cat/3.jpg": "a link to a file that is not there",
        "train/cat/4.jpg": "a link that leads back to itself",
    }


def test_hidden_files_and_folders_are_passed_over(folder: Path):
    put(folder, {"train/cat/._1.jpg": b"", "train/cat/.hidden.png": JPEG})
    (folder / "train" / "cat" / ".thumbnails").mkdir()
    (folder / "train" / "cat" / ".thumbnails" / "1.jpg").write_bytes(JPEG)
    result = pack_folder(folder, folder.parent / "packs")
    assert (len(result.pictures), result.reasons) == (4, {})
