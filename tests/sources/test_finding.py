"""A picture is known by what it begins with; all else is passed over, counted and named by kind."""

import os
import socket
from collections import Counter
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.inference.named_pictures import NamedPictures
from catdog_exp.sources.finding import passed_over, pictures_inside
from catdog_exp.sources.flat import Flat
from catdog_exp.sources.folders import Folder
from tests.packs.packed import JPEG, PICTURE, encoded
from tests.sources.test_folders import CLASSES, touch


def fill(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def inside(root: Path) -> tuple[list[str], str]:
    passed = Counter[str]()
    return sorted(pictures_inside(root, "", passed)), passed_over(passed)


def test_a_picture_is_known_by_its_first_bytes(tmp_path: Path):
    files = {
        "no ending": JPEG,
        "1.jpg_large": JPEG,
        "2.jpg?w=600&h=400": encoded(PICTURE, "WEBP"),
        "3.JPE": JPEG,
        "photo.2024-01-31": encoded(PICTURE, "GIF"),
        "4.bin": encoded(PICTURE, "TIFF"),
        "5.tmp": encoded(PICTURE, "AVIF"),
        "6.dat": encoded(PICTURE, "BMP"),
        "7.txt": encoded(PICTURE, "PNG"),
    }
    assert inside(fill(tmp_path, files)) == (sorted(files), "")
    assert sorted(picture.path.name for picture in NamedPictures([str(tmp_path)])) == sorted(files)


def test_what_is_no_picture_is_counted_by_kind(tmp_path: Path):
    fill(tmp_path, {"1.jpg": JPEG, "1.xml": b"<a/>", "2.XML": b"<a/>", "README": b"BM is no bitmap", "empty": b""})
    fill(tmp_path, {".DS_Store": b"", "._1.jpg": b"", "Thumbs.db": b"\xd0\xcf", "1.NEF": encoded(PICTURE, "TIFF")})
    fill(tmp_path, {"drawing.psd": b"8BPS\0\1" + bytes(30), "film.mp4": b"\0\0\0\x18ftypisom" + bytes(30)})
    assert inside(tmp_path) == (
        ["1.jpg"],
        "passed over: .xml 2, hidden 2, other name 2, .db 1, .mp4 1, .nef 1, .psd 1",
    )


@pytest.mark.parametrize(
    "name",
    ["@eaDir/1.jpg", "__MACOSX", "#recycle", "lost+found", "$RECYCLE.BIN", "@Recycle", "System Volume Information"],
)
def test_folders_that_systems_make_are_none_of_a_class(tmp_path: Path, name: str):
    fill(tmp_path, {"cat/1.jpg": JPEG, "dog/1.jpg": JPEG, f"cat/{name}/thumb.jpg": JPEG, f"{name}/cat/2.jpg": JPEG})
    listing = Folder(str(tmp_path)).listing(CLASSES)
    assert [picture.path for picture in listing.pictures] == ["cat/1.jpg", "dog/1.jpg"]
    assert listing.note == f"passed over: {name.split('/')[0]}/ 2"
    assert NamedPictures([str(tmp_path)]).total == 2


def test_pipes_sockets_and_devices_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    for name in CLASSES:
        fill(tmp_path, {f"{name}/1.jpg": JPEG})
    os.mkfifo("cat/pipe.jpg")
    os.mkfifo("cat/pipe")
    Path("cat/linked.png").symlink_to("pipe.jpg")
    Path("cat/null.jpg").symlink_to("/dev/null")
    Path("cat/terminal").symlink_to("/dev/tty")
    Path("cat/nowhere").symlink_to("nothing")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("dog/socket.jpg")
        listing = Folder(str(tmp_path)).listing(CLASSES)
    assert [picture.path for picture in listing.pictures] == ["cat/1.jpg", "dog/1.jpg"]
    assert listing.note == "passed over: pipe 3, device 2, broken link 1, socket 1"
    with pytest.raises(UserError, match=r"pipe: this is a pipe, a socket or a device, not a picture"):
        NamedPictures(["cat/pipe"])


def test_what_lies_beside_the_class_folders_is_counted_too(tmp_path: Path):
    touch(tmp_path, "cat/1.jpg", "dog/1.jpg", "3.jpg", "4.jpg", "labels.csv", "notes/1.jpg")
    assert Folder(str(tmp_path)).listing(CLASSES).note == (
        "folders of no class left out: notes; passed over: picture beside the class folders 2, .csv 1"
    )


@pytest.mark.parametrize(
    ("classes", "files", "none", "several"),
    [
        (
            ["Bulldog", "american_bulldog", "golden retriever"],
            {"american_bulldog_3.jpg": 1, "Bulldog7.jpg": 0, "golden retriever (2).jpg": 2, "Golden Retrievers.jpg": 2},
            ["american.1.jpg"],
            ["bulldog and golden retriever.jpg"],
        ),
        (["cat", "dog"], {"cats,3.jpg": 0, "DOG.1.jpg": 1, "cat_cat.jpg": 0}, ["catalogue.jpg"], ["cat_dog_1.jpg"]),
        (["1", "10", "7"], {"1_7.jpg": 0, "10-1.jpg": 1, "7.1.jpg": 2}, ["17.jpg", "100.jpg"], []),
        (["no", "yes", "1e3"], {"no.1.jpg": 0, "yes2.jpg": 1, "1e3 4.jpg": 2}, ["november.jpg"], ["yes_no.jpg"]),
        (["猫", "café"], {"猫1.jpg": 0, "cafe\u0301_2.jpg": 1}, ["猫咪.jpg"], []),
    ],
)
def test_a_file_is_of_the_longest_class_that_its_name_starts_with(
    tmp_path: Path, classes: list[str], files: dict[str, int], none: list[str], several: list[str]
):
    touch(tmp_path, *files, *none, *several)
    listing = Flat(str(tmp_path)).listing(classes)
    assert {picture.path: picture.label for picture in listing.pictures} == files
    notes = [
        f"pictures of {whose} left out: {len(names)}, such as {sorted(names)[0]}"
        for whose, names in (("no class", none), ("two classes", several))
        if names
    ]
    assert listing.note == "; ".join(notes)


def test_a_class_that_only_doubtful_names_have_is_told_with_them(tmp_path: Path):
    touch(tmp_path, "cat.1.jpg", "dog_cat.jpg")
    with pytest.raises(UserError, match=r"starts with dog, as dog\.0\.jpg \(pictures of two classes left out: 1, such"):
        Flat(str(tmp_path)).listing(CLASSES)
