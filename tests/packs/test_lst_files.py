from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped, unescaped
from catdog_exp.packs.lst_files import Entry, read_list, write_list
from catdog_exp.packs.split import split_listing
from catdog_exp.sources.source import Listing, Picture, Split


def _listing(cats: int, dogs: int, split: Split | None = None) -> Listing:
    pictures = [Picture(f"cat/{number:03}.jpg", 0, split) for number in range(cats)]
    pictures += [Picture(f"dog/{number:03}.jpg", 1, split) for number in range(dogs)]
    return Listing(Path("pictures"), ["cat", "dog"], pictures)


def _of_class(entries: list[Entry], label: int) -> int:
    return sum(entry.label == label for entry in entries)


def test_each_class_is_split_in_the_ratio():
    lists = split_listing(_listing(100, 20), 0.9, seed=0)
    assert (_of_class(lists["train"], 0), _of_class(lists["validation"], 0)) == (90, 10)
    assert (_of_class(lists["train"], 1), _of_class(lists["validation"], 1)) == (18, 2)


def test_every_picture_is_on_one_side_once_and_sides_are_numbered_from_zero():
    listing = _listing(30, 50)
    lists = split_listing(listing, 0.7, seed=3)
    paths = [entry.path for entries in lists.values() for entry in entries]
    assert sorted(paths) == sorted(picture.path for picture in listing.pictures)
    for entries in lists.values():
        assert [entry.index for entry in entries] == list(range(len(entries)))


@pytest.mark.parametrize("ratio", [0.01, 0.99])
def test_each_side_gets_a_picture_of_a_class_of_two(ratio: float):
    lists = split_listing(_listing(2, 2), ratio, seed=0)
    for entries in lists.values():
        assert sorted(entry.label for entry in entries) == [0, 1]


def test_a_single_picture_is_trained_on():
    lists = split_listing(_listing(1, 4), 0.5, seed=0)
    assert _of_class(lists["train"], 0) == 1


def test_the_seed_decides_the_split_and_the_order():
    listing = _listing(40, 40)
    assert split_listing(listing, 0.8, seed=1) == split_listing(listing, 0.8, seed=1)
    first, second = (split_listing(listing, 0.8, seed=seed) for seed in (1, 2))
    assert {entry.path for entry in first["train"]} != {entry.path for entry in second["train"]}
    for entries in first.values():
        assert [entry.path for entry in entries] != sorted(entry.path for entry in entries)


def test_classes_are_mixed_in_the_order():
    labels = [entry.label for entry in split_listing(_listing(50, 50), 0.8, seed=0)["train"]]
    assert 10 < sum(labels[:40]) < 30


def test_more_dogs_do_not_move_cats_to_the_other_side():
    def cats_trained_on(dogs: int) -> set[str]:
        lists = split_listing(_listing(40, dogs), 0.8, seed=0)
        return {entry.path for entry in lists["train"] if entry.label == 0}

    assert cats_trained_on(10) == cats_trained_on(30)


def test_a_picture_stays_on_the_side_that_its_source_puts_it_on():
    own = [
        *(Picture(f"train/{number}.jpg", 0, "train") for number in range(5)),
        *(Picture(f"validation/{number}.jpg", 0, "validation") for number in range(10)),
    ]
    lists = split_listing(Listing(Path("pictures"), ["cat"], own), 0.95, seed=0)
    assert {entry.path.split("/")[0] for entry in lists["train"]} == {"train"}
    assert (len(lists["train"]), len(lists["validation"])) == (5, 10)


def test_free_pictures_fill_the_side_that_own_splits_leave_empty():
    pictures = [
        Picture("a.jpg", 0, "train"),
        Picture("b.jpg", 0),
        Picture("c.jpg", 1, "validation"),
        Picture("d.jpg", 1),
    ]
    lists = split_listing(Listing(Path("pictures"), ["cat", "dog"], pictures), 0.95, seed=0)
    assert {entry.path for entry in lists["train"]} == {"a.jpg", "d.jpg"}
    assert {entry.path for entry in lists["validation"]} == {"b.jpg", "c.jpg"}


def test_a_list_is_written_as_im2rec_writes_it(tmp_path: Path):
    file = tmp_path / "train_file.lst"
    write_list(file, [Entry(0, 1, "dog/1.jpg"), Entry(7, 0, "cat/süß 猫.jpg")])
    assert file.read_bytes() == "0\t1.000000\tdog/1.jpg\n7\t0.000000\tcat/süß 猫.jpg\n".encode()


def test_a_written_list_reads_back(tmp_path: Path):
    file = tmp_path / "train_file.lst"
    entries = [Entry(0, 1, "dog/1.jpg"), Entry(7, 0, "cat/süß 猫.jpg"), Entry(8, 12, "not utf-8 \udcff.jpg")]
    write_list(file, entries)
    assert read_list(file) == entries


NAMES = [
    "a\tb.jpg",
    "two\nlines.jpg",
    "old\rmac.jpg",
    "bell\x07 escape\x1b delete\x7f.jpg",
    "latin \udce9t\udce9.jpg",
    r"a\x09 in letters.jpg",
    r"C:\pictures\x.jpg",
    r"a\x5cx09.jpg",
    "backslash and tab \\\t\\x\t.jpg",
]


def test_any_name_is_one_line_of_utf_8_and_reads_back(tmp_path: Path):
    file = tmp_path / "train_file.lst"
    entries = [Entry(index, 0, name) for index, name in enumerate(NAMES)]
    write_list(file, entries)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [line.count("\t") for line in lines] == [2] * len(NAMES)
    assert lines[0] == "0\t0.000000\ta\\x09b.jpg"
    assert read_list(file) == entries


def test_ordinary_names_are_not_escaped(tmp_path: Path):
    for name in ("100 % süß 猫 🐈.jpg", r"cats\001.jpg", r"cats\xbox.jpg"):
        assert escaped(name) == name == unescaped(name)


def test_a_list_with_windows_line_ends_is_read(tmp_path: Path):
    file = tmp_path / "a.lst"
    file.write_bytes(b"0\t1.000000\tdog/1.jpg\r\n\r\n1\t0\tcat/1.jpg\r\n")
    assert read_list(file) == [Entry(0, 1, "dog/1.jpg"), Entry(1, 0, "cat/1.jpg")]


@pytest.mark.parametrize(
    "line",
    ["0\tdog/1.jpg", "0\t0.5\tdog/1.jpg", "0\tnan\tdog/1.jpg", "0\t1\t2\tdog/1.jpg", "x\t1\tdog/1.jpg"],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str):
    file = tmp_path / "a.lst"
    file.write_text(f"0\t1.000000\tdog/0.jpg\n{line}\n")
    with pytest.raises(UserError, match=r"a\.lst, line 2: "):
        read_list(file)
