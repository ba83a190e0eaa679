import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sources.flat import Flat
from catdog_exp.sources.folders import Folder
from catdog_exp.sources.source import Listing, Picture

CLASSES = ["cat", "dog"]


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.mark.parametrize("cats", ["cat", "cats", "Cat", "CATS"])
def test_class_folders_are_found_ignoring_case_and_plural(tmp_path, cats):
    touch(tmp_path, f"{cats}/b.jpg", f"{cats}/a.jpg", "Dogs/a.jpg")
    listing = Folder(str(tmp_path)).listing(CLASSES)
    assert listing.root == tmp_path
    assert listing.classes == CLASSES
    assert sorted(listing.pictures, key=lambda picture: (picture.label, picture.path)) == [
        Picture(f"{cats}/a.jpg", 0),
        Picture(f"{cats}/b.jpg", 0),
        Picture("Dogs/a.jpg", 1),
    ]
    assert [picture.path for picture in listing.pictures] == sorted(p.path for p in listing.pictures)


def test_plurals_of_other_classes(tmp_path):
    touch(tmp_path, "puppies/1.jpg", "Fox/1.jpg", "glass/1.jpg")
    listing = Folder(str(tmp_path)).listing(["Puppy", "foxes", "glass"])
    assert [(picture.path, picture.label) for picture in listing.pictures] == [
        ("Fox/1.jpg", 1),
        ("glass/1.jpg", 2),
        ("puppies/1.jpg", 0),
    ]


def test_a_class_may_be_the_plural_of_another(tmp_path):
    touch(tmp_path, "new/1.jpg", "news/1.jpg")
    listing = Folder(str(tmp_path)).listing(["new", "news"])
    assert [(picture.path, picture.label) for picture in listing.pictures] == [
        ("new/1.jpg", 0),
        ("news/1.jpg", 1),
    ]


def test_two_folders_of_one_class_both_count(tmp_path):
    touch(tmp_path, "cat/1.jpg", "Cats/1.jpg", "dog/1.jpg")
    pictures = Folder(str(tmp_path)).listing(CLASSES).pictures
    assert [(picture.path, picture.label) for picture in pictures] == [
        ("Cats/1.jpg", 0),
        ("cat/1.jpg", 0),
        ("dog/1.jpg", 1),
    ]


def test_pictures_are_found_at_any_depth_by_their_extension_and_hidden_ones_are_not(tmp_path):
    touch(tmp_path, "cat/x/y/1.JPEG", "cat/2.Png", "cat/ä ö/三.webp", "dog/1.tif")
    touch(tmp_path, "cat/.3.jpg", "cat/.x/4.jpg", "cat/notes.txt", "cat/5", "cat/Thumbs.db", "cat/6.jpg/7.gif")
    paths = [picture.path for picture in Folder(str(tmp_path)).listing(CLASSES).pictures]
    assert paths == ["cat/2.Png", "cat/6.jpg/7.gif", "cat/x/y/1.JPEG", "cat/ä ö/三.webp", "dog/1.tif"]


def test_linked_folders_are_followed_and_circles_are_not(tmp_path):
    touch(tmp_path, "elsewhere/1.jpg", "data/cat/1.jpg")
    (tmp_path / "data" / "dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "cat" / "again").symlink_to(tmp_path / "data" / "cat")
    (tmp_path / "data" / "cat" / "self").symlink_to(tmp_path / "data" / "cat" / "self")
    paths = [picture.path for picture in Folder(str(tmp_path / "data")).listing(CLASSES).pictures]
    assert paths == ["cat/1.jpg", "dog/1.jpg"]


def test_folders_of_no_class_are_named_in_the_note(tmp_path):
    touch(tmp_path, "cat/1.jpg", "dog/1.jpg", "birds/1.jpg", "catalogue/1.jpg")
    listing = Folder(str(tmp_path)).listing(CLASSES)
    assert len(listing.pictures) == 2
    assert "birds, catalogue" in listing.note


def test_a_relative_root_is_seen_from_the_current_folder(tmp_path, monkeypatch):
    touch(tmp_path, "mine/cat/1.jpg", "mine/dog/1.jpg")
    monkeypatch.chdir(tmp_path)
    source = Folder("mine")
    source.check(["cat", "dog"])
    assert source.listing(CLASSES).root == tmp_path / "mine"


@pytest.mark.parametrize("source", [Folder, Flat])
def test_a_wrong_root_is_seen_before_any_work(tmp_path, source):
    touch(tmp_path, "file.jpg")
    with pytest.raises(UserError, match=r"data\.root=.*nowhere: there is no such folder"):
        source(str(tmp_path / "nowhere")).check(["cat", "dog"])
    with pytest.raises(UserError, match="this is a file"):
        source(str(tmp_path / "file.jpg")).check(["cat", "dog"])
    with pytest.raises(UserError, match="empty"):
        source("").check(["cat", "dog"])


def test_a_missing_class_names_the_folders_that_are_there(tmp_path):
    touch(tmp_path, "fish/1.jpg", "cats/1.jpg")
    with pytest.raises(UserError, match=r"no folder for the class dog \(it has cats, fish\): set data\.root or data\."):
        Folder(str(tmp_path)).listing(CLASSES)


def laid_out(root: Path, **counts: int) -> Folder:
    """A source with so many files of each class in each of these folders; `__` stands for `/`."""
    for place, count in counts.items():
        touch(root, *(f"{place.replace('__', '/')}/{name}s/{n}.jpg" for name in CLASSES for n in range(count)))
    return Folder(str(root))


def sides_of(listing: Listing) -> dict[str, set[str | None]]:
    """The sides of the pictures in each folder."""
    sides: dict[str, set[str | None]] = {}
    for picture in listing.pictures:
        sides.setdefault(picture.path.split("/")[0], set()).add(picture.split)
    return sides


def test_folders_for_the_sides_are_the_split(tmp_path: Path):
    listing = laid_out(tmp_path, train=1000, validation=500).listing(CLASSES)
    assert sides_of(listing) == {"train": {"train"}, "validation": {"validation"}}
    assert listing.note == "2,000 + 1,000 pictures, split as the folders train/ and validation/ say"
    assert [picture.path for picture in listing.pictures] == sorted(picture.path for picture in listing.pictures)


@pytest.mark.parametrize("train", ["train", "Training", "training_set", "TRAIN_SET"])
@pytest.mark.parametrize("validation", ["val", "Valid", "validation", "validation_set", "dev"])
@pytest.mark.parametrize("test", ["test", "Testing", "test_set"])
def test_sides_have_the_names_that_people_use(tmp_path: Path, train: str, validation: str, test: str):
    listing = laid_out(tmp_path, **{train: 3, validation: 2, test: 1}).listing(CLASSES)
    assert sides_of(listing) == {train: {"train"}, validation: {"validation"}, test: {"test"}}
    assert listing.note == f"6 + 4 + 2 pictures, split as the folders {train}/, {validation}/ and {test}/ say"


def test_beside_a_test_folder_validation_is_cut_from_training(tmp_path: Path):
    listing = laid_out(tmp_path, train=4, test=2).listing(CLASSES)
    assert sides_of(listing) == {"train": {None}, "test": {"test"}}
    assert listing.note == "8 + 4 pictures in train/ and test/, those to validate on are cut from the first"


def test_class_folders_may_lie_a_level_deeper_as_kaggle_packs_them(tmp_path: Path):
    listing = laid_out(tmp_path, training_set__training_set=4, test_set__test_set=2).listing(CLASSES)
    assert sides_of(listing) == {"training_set": {None}, "test_set": {"test"}}
    assert listing.pictures[0].path == "test_set/test_set/cats/0.jpg"


def test_a_test_folder_without_class_folders_is_named_as_pictures_to_predict(tmp_path: Path):
    touch(tmp_path, "test/1.jpg", "test/2.jpg", "train/birds/1.jpg", "more/1.jpg")
    listing = laid_out(tmp_path, train=2).listing(CLASSES)
    assert sides_of(listing) == {"train": {None}}
    assert listing.note == (
        "4 pictures in train/, those to validate on are cut from the first; "
        "test/ has no class folders: pictures to predict; folders of no class left out: more, train/birds"
    )


def test_class_folders_right_there_come_before_folders_for_sides(tmp_path: Path):
    touch(tmp_path, "cat/1.jpg", "dog/1.jpg")
    listing = laid_out(tmp_path, train=2).listing(CLASSES)
    assert [picture.path for picture in listing.pictures] == ["cat/1.jpg", "dog/1.jpg"]
    assert listing.note == "folders of no class left out: train"


def test_sides_that_are_not_whole_are_told(tmp_path: Path):
    source = laid_out(tmp_path, validation=2, test=1)
    with pytest.raises(UserError, match="has test, validation but no folder train with class folders"):
        source.listing(CLASSES)
    touch(tmp_path, "train/cats/1.jpg")
    with pytest.raises(UserError, match=r"/train has no folder for the class dog \(it has cats\)"):
        source.listing(CLASSES)


def test_another_layout_is_told_with_the_words_for_it(tmp_path: Path):
    touch(tmp_path, "flat/cat.0.jpg", "flat/dog.0.jpg", "kaggle/train/cat.0.jpg", "kaggle/train/dog.0.jpg")
    touch(tmp_path, "kaggle/test1/1.jpg", "data/cats/1.jpg", "data/dogs/1.jpg")
    for root, flat in (("flat", "flat"), ("kaggle", "kaggle/train")):
        told = f"but {tmp_path / flat} has files named by class: use data=flat data.root={tmp_path / flat}"
        with pytest.raises(UserError, match=re.escape(told)):
            Folder(str(tmp_path / root)).listing(CLASSES)
    told = f"(it is one of the class folders itself): set data.root={tmp_path / 'data'}"
    with pytest.raises(UserError, match=f"{re.escape(told)}$"):
        Folder(str(tmp_path / "data/cats")).listing(CLASSES)


def test_a_class_without_pictures_is_named(tmp_path):
    touch(tmp_path, "cat/1.jpg", "Dogs/readme.txt")
    with pytest.raises(UserError, match=r"Dogs has no pictures \(passed over: \.txt 1\)"):
        Folder(str(tmp_path)).listing(CLASSES)


def test_links_to_files_are_listed_even_where_they_lead_nowhere_and_pipes_are_not(tmp_path):
    touch(tmp_path, "elsewhere/1.jpg", "cat/1.jpg", "dog/1.jpg")
    (tmp_path / "cat" / "linked.jpg").symlink_to(tmp_path / "elsewhere" / "1.jpg")
    (tmp_path / "cat" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "cat" / "circle.jpg").symlink_to("circle.jpg")
    os.mkfifo(tmp_path / "cat" / "pipe.jpg")
    paths = [picture.path for picture in Folder(str(tmp_path)).listing(CLASSES).pictures]
    assert paths == ["cat/1.jpg", "cat/circle.jpg", "cat/gone.jpg", "cat/linked.jpg", "dog/1.jpg"]


def test_the_name_of_a_folder_left_out_is_shown_in_one_line(tmp_path):
    touch(tmp_path, "cat/1.jpg", "dog/1.jpg", "two\nlines/1.jpg")
    assert Folder(str(tmp_path)).listing(CLASSES).note == r"folders of no class left out: two\x0alines"


def test_25_000_files_are_listed_in_a_few_times_of_what_reading_the_folders_takes(tmp_path):
    for name in CLASSES:
        (tmp_path / name).mkdir()
        for number in range(12_500):
            os.close(os.open(tmp_path / name / f"{name}.{number}.jpg", os.O_CREAT))

    def read_folders() -> int:
        return sum(entry.is_file() for name in CLASSES for entry in os.scandir(tmp_path / name))

    def list_folders() -> int:
        return len(Folder(str(tmp_path)).listing(CLASSES).pictures)

    assert read_folders() == list_folders() == 25_000
    assert min(map(seconds_of, [list_folders] * 5)) < 10 * min(map(seconds_of, [read_folders] * 5))


def seconds_of(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def test_real_photographs_are_all_there(real_pictures):
    listing = Folder(str(real_pictures / "train")).listing(CLASSES)
    assert [sum(picture.label == label for picture in listing.pictures) for label in (0, 1)] == [1000, 1000]
    assert (listing.root / listing.pictures[0].path).is_file()
