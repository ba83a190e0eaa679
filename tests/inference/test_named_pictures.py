"""The pictures that words of a command line name, and their order."""

import io
import sys
import zipfile

import cv2
import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.images.decode import Unreadable
from catdog_exp.inference import named_pictures
from catdog_exp.inference.named_pictures import NamedPictures
from catdog_exp.inference.pictures import square

RED = (250, 0, 0)


def drawn(path, colour=RED):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((12, 20, 3), colour[::-1], np.uint8))
    return path


def names(pictures, folder):
    return [picture.path.relative_to(folder).as_posix() for picture in pictures]


def test_folders_are_searched_through_and_hidden_files_and_others_left_out(tmp_path):
    for name in ("a.jpg", "deep/er/B.JPEG", "c.png", ".hidden.jpg", ".cache/d.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert names(NamedPictures([str(tmp_path)]), tmp_path) == ["a.jpg", "c.png", "deep/er/B.JPEG"]


def test_links_are_followed_but_not_around_in_circles(tmp_path):
    drawn(tmp_path / "elsewhere" / "1.jpg")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    for name in "abc":  # followed each time, three links would make 3^40 folders
        (tmp_path / "elsewhere" / name).symlink_to(tmp_path / "folder")
    assert names(NamedPictures([str(tmp_path / "folder")]), tmp_path / "folder") == ["link/1.jpg"]


def test_numbers_in_names_count_as_numbers(tmp_path):
    for name in ("10.jpg", "2.jpg", "dog 3/1.jpg", "dog 20/1.jpg", "Cat.1.jpg", "cat.01.jpg", "1.jpg"):
        drawn(tmp_path / name)
    assert names(NamedPictures([str(tmp_path)]), tmp_path) == [
        "1.jpg",
        "2.jpg",
        "10.jpg",
        "Cat.1.jpg",
        "cat.01.jpg",
        "dog 3/1.jpg",
        "dog 20/1.jpg",
    ]


def test_a_file_is_taken_whatever_its_extension_and_each_only_once(tmp_path, monkeypatch):
    drawn(tmp_path / "2.jpg")
    (tmp_path / "upload").write_bytes((tmp_path / "2.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    found = NamedPictures(["upload", "2.jpg", "./2.jpg", ".", str(tmp_path / "2.jpg"), "upload"])
    assert [picture.name for picture in found] == ["upload", "2.jpg"]


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.jpg: there is no such file or folder"):
        NamedPictures([str(drawn(tmp_path / "1.jpg")), str(tmp_path / "nowhere.jpg")])
    with pytest.raises(UserError, match=r"\*\.png: there is no such file or folder, and nothing that this pattern"):
        NamedPictures([str(tmp_path / "*.png")])
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("")
    with pytest.raises(UserError, match=r"empty: there are no pictures in this folder \(passed over: \.txt 1\)"):
        NamedPictures([str(tmp_path / "empty")])


def test_a_pattern_stands_for_what_it_matches_in_the_order_of_numbers(tmp_path, monkeypatch):
    for name in ("10.jpg", "2.jpg", "x.png", "a/1.jpg", "a/b/3.jpg"):
        drawn(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert [picture.name for picture in NamedPictures(["*.jpg"])] == ["2.jpg", "10.jpg"]
    assert [picture.name for picture in NamedPictures(["**/[13].jpg"])] == ["a/1.jpg", "a/b/3.jpg"]
    (tmp_path / "[1].jpg").write_bytes(b"")  # a name that looks like a pattern is the file's where there is one
    assert [picture.name for picture in NamedPictures(["[1].jpg"])] == ["[1].jpg"]


def test_standard_input_gives_a_path_on_each_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"2.jpg\nno such.jpg\r\n\ncaf\xe9.jpg")))
    pictures = NamedPictures(["-", str(drawn(tmp_path / "1.jpg"))])
    assert pictures.total is None
    found = [picture.name for picture in pictures]
    assert found == [str(tmp_path / "1.jpg"), "2.jpg", "no such.jpg", "caf\udce9.jpg"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xd8\0\0")))
    with pytest.raises(UserError, match="standard input holds no paths"):
        list(NamedPictures(["-"]))


def test_an_archive_is_read_where_it_lies(tmp_path, monkeypatch):
    png = drawn(tmp_path / "1.png").read_bytes()
    held = {"10.png": png, "2.png": png, "deep/x": png, "../../out.png": png, "notes.txt": b"", "broken.jpg": b"no"}
    held |= {"__MACOSX/2.png": png, ".hidden.png": png, "bomb.png": bytes(40_000_000)}
    with zipfile.ZipFile(tmp_path / "pictures", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    monkeypatch.chdir(tmp_path)
    pictures = NamedPictures(["pictures"])
    found = {picture.name: picture for picture in pictures}
    expected = ["../../out.png", "2.png", "10.png", "bomb.png", "broken.jpg", "deep/x"]
    assert sorted(found) == sorted(f"pictures/{name}" for name in expected)
    assert pictures.total == len(expected)
    for name in ("2.png", "deep/x", "../../out.png"):
        assert square(found[f"pictures/{name}"], 8)[..., 0].mean() == RED[0]
    for name in ("bomb.png", "broken.jpg"):
        with pytest.raises(Unreadable, match="not a picture"):
            square(found[f"pictures/{name}"], 8)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.png", "pictures"]


def test_a_damaged_archive_is_told_and_a_damaged_entry_is_one_picture_that_cannot_be_read(tmp_path):
    png = drawn(tmp_path / "1.png").read_bytes()
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("1.png", png)
        archive.writestr("2.png", png)
    data = file.read_bytes()
    place = data.index(png) + len(png) // 2
    file.write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
    first, second = NamedPictures([str(file)])
    with pytest.raises(Unreadable, match="cannot be unpacked"):
        square(first, 8)
    assert square(second, 8).shape == (8, 8, 3)
    file.write_bytes(data[:-30])
    with pytest.raises(UserError, match=r"a\.zip: this zip archive cannot be read"):
        NamedPictures([str(file)])


@pytest.mark.parametrize("kept", [2, 3, 4])  # fewer than there are, as many, more
def test_pictures_are_the_same_however_many_of_them_are_kept_in_memory(tmp_path, monkeypatch, kept):
    monkeypatch.setattr(named_pictures, "KEPT", kept)
    for name in ("a/3.jpg", "a/1.jpg", "2.jpg"):
        drawn(tmp_path / name)
    pictures = NamedPictures([str(tmp_path), str(tmp_path / "a")])
    assert pictures.total == 3
    assert names(pictures, tmp_path) == ["2.jpg", "a/1.jpg", "a/3.jpg"]
