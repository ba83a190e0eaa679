from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sources.flat import Flat
from tests.sources.test_folders import CLASSES, touch


def test_flat_files_are_labelled_by_the_start_of_their_names(tmp_path):
    touch(tmp_path, "cat.0.jpg", "cat_1.jpg", "Cat-3.JPG", "CAT 4.png", "cats5.jpg", "cat.jpg", "dog.0.jpg")
    touch(tmp_path, "catalogue.1.jpg", "bird.1.jpg", "7.jpg", "dog.1.txt", ".dog.2.jpg", "dog/1.jpg")
    listing = Flat(str(tmp_path)).listing(CLASSES)
    assert [(picture.path, picture.label) for picture in listing.pictures] == [
        ("CAT 4.png", 0),
        ("Cat-3.JPG", 0),
        ("cat.0.jpg", 0),
        ("cat.jpg", 0),
        ("cat_1.jpg", 0),
        ("cats5.jpg", 0),
        ("dog.0.jpg", 1),
    ]
    assert listing.note == ("pictures of no class left out: 3, such as 7.jpg; passed over: .txt 1, folder 1, hidden 1")


def test_flat_without_a_class_is_one_line(tmp_path):
    touch(tmp_path, "cat.0.jpg")
    with pytest.raises(UserError, match=r"no picture whose name starts with dog, as dog\.0\.jpg"):
        Flat(str(tmp_path)).listing(CLASSES)


def test_another_layout_is_told_with_the_words_for_it(tmp_path: Path):
    touch(
        tmp_path, "folders/cats/cat.0.jpg", "folders/dogs/dog.0.jpg", "kaggle/train/cat.0.jpg", "kaggle/train/dog.0.jpg"
    )
    with pytest.raises(UserError, match=r"as cat\.0\.jpg, but class folders: use data=folder$"):
        Flat(str(tmp_path / "folders")).listing(CLASSES)
    with pytest.raises(UserError, match=r"as cat\.0\.jpg: .*/train has, set data\.root=.*/kaggle/train$"):
        Flat(str(tmp_path / "kaggle")).listing(CLASSES)
