from dataclasses import replace
from pathlib import Path

import pytest

from catdog_exp.images.content_hashes import contents
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.fingerprint import fingerprint
from catdog_exp.packs.split import split_listing
from catdog_exp.sources.source import Listing, Picture
from tests.images.drawn import DATA, draw_pictures


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    return draw_pictures(tmp_path / "pictures")


def _mark(listing: Listing, data: DataConfig = DATA) -> str:
    paths = [picture.path for picture in listing.pictures]
    found = contents(listing.root, paths, listing.root.parent / "memory", threads=2)
    lists = split_listing(listing, found, data)
    return fingerprint(listing.classes, lists, found, data)


def test_it_is_16_digits_and_the_same_each_time(listing: Listing):
    assert _mark(listing) == _mark(listing)
    assert len(_mark(listing)) == 16
    assert set(_mark(listing)) <= set("0123456789abcdef")


def test_whether_pictures_of_iphones_can_be_read_counts_where_there_are_some(
    listing: Listing, monkeypatch: pytest.MonkeyPatch
):
    plain = _mark(listing)
    (listing.root / "cat/1.HEIC").write_bytes(b"as iPhones take them")
    more = replace(listing, pictures=[*listing.pictures, Picture("cat/1.HEIC", 0)])
    with_extra = _mark(more)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert _mark(listing) == plain
    assert _mark(more) != with_extra


@pytest.mark.parametrize(
    "change",
    [
        {"split_ratio": 0.7},
        {"resize": 17},
        {"quality": 91},
        {"max_pixels": 1_000_000},
        {"seed": 1},
        {"shards": 2},
        {"test_ratio": 0.1},
        {"folds": 4},
    ],
    ids=lambda change: str(*change),
)
def test_every_setting_that_changes_the_bytes_counts(listing: Listing, change: dict[str, float]):
    assert _mark(listing, replace(DATA, **change)) != _mark(listing)


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 7},
        {"repack": True},
        {"pack_on": "ray"},
        {"shards": 1},
        {"root": "elsewhere"},
        {"split_ratio": 0.801},
    ],
    ids=lambda change: str(*change),
)
def test_a_setting_that_leaves_the_bytes_alone_does_not(listing: Listing, change: dict[str, object]):
    assert _mark(listing, replace(DATA, **change)) == _mark(listing)


def test_the_ratio_does_not_count_where_every_picture_has_its_own_side(listing: Listing):
    sides = [
        replace(picture, split="validation" if number % 4 == 0 else "train")
        for number, picture in enumerate(listing.pictures)
    ]
    sided = replace(listing, pictures=sides)
    assert _mark(sided, replace(DATA, split_ratio=0.5)) == _mark(sided)
    assert _mark(sided) != _mark(listing)


def test_every_change_of_the_pictures_counts(listing: Listing):
    marks = [_mark(listing)]
    first, *others = listing.pictures
    marks.append(_mark(replace(listing, pictures=others)))
    marks.append(_mark(replace(listing, pictures=[replace(first, label=1), *others])))
    marks.append(_mark(replace(listing, classes=["cat", "wolf"])))
    content = (listing.root / first.path).read_bytes()
    (listing.root / first.path).write_bytes(content + b"\0")
    marks.append(_mark(listing))
    (listing.root / first.path).unlink()
    marks.append(_mark(listing))
    (listing.root / "cat/0.jpg").write_bytes(content)
    marks.append(_mark(replace(listing, pictures=[Picture("cat/0.jpg", 0), *others])))
    assert len(set(marks)) == len(marks)
