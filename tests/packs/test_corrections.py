"""Labels that people have corrected in a CSV file."""

import csv
import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.packs.plan import PackPlan, plan_pack
from catdog_exp.packs.store import open_pack
from catdog_exp.sources.source import SPLITS, Listing, Picture
from tests.images.drawn import DATA, draw_pictures

HEAD = ["picture", "sha256", "class", "correction", "note"]
Row = Sequence[str]


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Listing:
    return draw_pictures(tmp_path_factory.mktemp("drawn") / "pictures", per_class=10)


def plan(listing: Listing, folder: Path, rows: Sequence[Row] | None, head: Row = HEAD, **file: str) -> PackPlan:
    """The pack of these pictures, corrected by a file with these rows."""
    corrections = folder / "corrections.csv"
    if rows is not None:
        with corrections.open("w", newline="", encoding=file.pop("encoding", "utf-8")) as out:
            csv.writer(out, **file).writerows([head, *rows])
    data = dataclasses.replace(DATA, corrections=None if rows is None else str(corrections))
    return plan_pack(listing, data, folder / "packs")


def labels(plan: PackPlan) -> dict[str, tuple[str, int]]:
    """Side and label of each picture."""
    return {entry.path: (split, entry.label) for split in SPLITS for entry in plan.lists[split]}


def test_labels_are_corrected_by_path_or_content_and_each_picture_stays_on_its_side(listing: Listing, tmp_path: Path):
    before = plan(listing, tmp_path, None)
    digest = before.contents["cat/001.jpg"].sha256
    rows = [
        ["cat/000.jpg", "", "cat", "Dog", "by its path"],
        ["moved/elsewhere.jpg", digest.upper(), "cat", " dog ", "by its content"],
        ["dog/003.jpg", "", "dog", "leave out", ""],
        ["dog/004.jpg", "", "dog", "", "says nothing"],
        ["dog/005.jpg", "", "dog", "dog", "is right"],
    ]
    after = plan(listing, tmp_path, rows)
    wanted = labels(before)
    del wanted["dog/003.jpg"]
    wanted |= {path: (wanted[path][0], 1) for path in ("cat/000.jpg", "cat/001.jpg")}
    assert labels(after) == wanted
    assert after.listing.note == "drawn for a test, 2 labels corrected, 1 left out by hand"
    # It is another data set, pack and training; the same corrections are the same, however the file is written.
    assert {before.dataset, before.fingerprint, before.trained_on}.isdisjoint(
        {after.dataset, after.fingerprint, after.trained_on}
    )
    by_spreadsheet = plan(listing, tmp_path, rows, delimiter=";", encoding="utf-8-sig")
    assert (by_spreadsheet.fingerprint, by_spreadsheet.dataset) == (after.fingerprint, after.dataset)
    nothing = plan(listing, tmp_path, [["cat/000.jpg", "", "cat", "", ""]])
    assert (nothing.fingerprint, nothing.trained_on) == (before.fingerprint, before.trained_on)
    pack = open_pack(after)
    assert sum(sum(counts.values()) for counts in pack.counts.values()) == 19
    assert (pack.folder / "rejected.csv").read_text().count("\n") == 1


def test_a_picture_in_two_classes_is_of_the_one_that_is_right(tmp_path: Path):
    listing = draw_pictures(tmp_path / "pictures", per_class=10)
    shutil.copy(listing.root / "cat/000.jpg", listing.root / "dog/same.jpg")
    listing = dataclasses.replace(listing, pictures=[*listing.pictures, Picture("dog/same.jpg", 1)])
    before = plan(listing, tmp_path, None)
    assert not {"cat/000.jpg", "dog/same.jpg"} & set(labels(before))
    digest = before.contents["cat/000.jpg"].sha256
    after = labels(plan(listing, tmp_path, [["", digest, "", "cat", ""]]))
    assert {after[path][1] for path in ("cat/000.jpg", "dog/same.jpg") if path in after} == {0}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["cat/00.jpg", "", "", "", ""], ["cat/77.jpg", "", "", "dog", ""]], "line 3: there is no picture cat/77"),
        ([["cat/000.jpg", "", "", "bird", ""]], "line 2: 'bird' is no class; give one of cat, dog, leave out, or noth"),
        (
            [["cat/000.jpg", "5" * 64, "", "dog", ""]],
            "line 2: no picture in .* has this sha256; cat/000.jpg is another",
        ),
        ([["", "5" * 64, "", "dog", ""]], "line 2: there is no picture 5555"),
        (
            [["dog/000.jpg", "", "", answer, ""] for answer in ("cat", "leave out")],
            "line 3: .* otherwise by an earlier",
        ),
    ],
)
def test_what_cannot_be_applied_is_told_in_one_line(listing: Listing, tmp_path: Path, rows: Sequence[Row], said: str):
    with pytest.raises(UserError, match=rf"corrections\.csv.*{said}") as caught:
        plan(listing, tmp_path, rows)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_is_told_in_one_line(listing: Listing, tmp_path: Path):
    for head in (["picture", "class"], ["file", "correction"]):
        with pytest.raises(UserError, match=f"name the columns correction, and picture or sha256; it has {head[0]}, "):
            plan(listing, tmp_path, [["cat/000.jpg", "dog"]], head)
    data = dataclasses.replace(DATA, corrections=str(tmp_path / "none.csv"))
    with pytest.raises(UserError, match=r"data\.corrections=.*none\.csv: cannot be read: No such file"):
        plan_pack(listing, data, tmp_path / "packs")
    with pytest.raises(UserError, match="this is not UTF-8; save it as CSV in UTF-8"):
        plan(listing, tmp_path, [["été.jpg", "", "", "dog", ""]], encoding="latin-1")
