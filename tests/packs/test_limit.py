"""A few pictures of each class in place of all: `data.limit`."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.packs.plan import PackPlan, plan_pack
from catdog_exp.packs.store import open_pack
from catdog_exp.sources.source import Listing
from tests.images.drawn import DATA, draw_pictures


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    return draw_pictures(tmp_path / "pictures")


def planned(listing: Listing, **data: object) -> PackPlan:
    return plan_pack(listing, replace(DATA, **data), listing.root.parent / "packs")  # type: ignore[arg-type]


def sides(plan: PackPlan) -> dict[str, set[str]]:
    return {split: {entry.path for entry in entries} for split, entries in plan.lists.items()}


def test_a_limit_takes_so_many_of_each_class_and_side_and_each_stays_on_its_side(listing: Listing):
    whole, one, two = sides(planned(listing)), planned(listing, limit=1), planned(listing, limit=2)
    for plan, limit in ((one, 1), (two, 2)):
        for split, entries in plan.lists.items():
            most = Counter(entry.label for entry in planned(listing).lists[split])
            assert Counter(entry.label for entry in entries) == {label: min(limit, n) for label, n in most.items()}
            assert sides(plan)[split] <= whole[split]
    assert all(sides(one)[split] <= sides(two)[split] for split in whole)
    assert sides(planned(listing, limit=2, seed=1)) != sides(two)


def test_few_pictures_are_another_data_set_and_pack_and_enough_of_them_are_the_same(listing: Listing):
    whole, few, all_of_them = (planned(listing, limit=limit) for limit in (None, 1, 1000))
    for part in ("dataset", "fingerprint", "trained_on", "judged_on"):
        assert getattr(few, part) != getattr(whole, part) == getattr(all_of_them, part)


def test_what_is_left_out_by_the_limit_is_not_counted_as_rejected(listing: Listing):
    cat, dog = (next(picture for picture in listing.pictures if picture.label == label) for label in (0, 1))
    (listing.root / dog.path).write_bytes((listing.root / cat.path).read_bytes())
    with pytest.raises(UserError, match="max_rejects"):
        open_pack(planned(listing, max_rejects=0))
    plan = planned(listing, limit=1, max_rejects=0)
    assert open_pack(plan).rejected == 0
    assert "at most 1 of each class on each side" in plan.listing.note
