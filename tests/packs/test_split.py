"""Which picture is trained, validated and tested on, and what changes that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catdog_exp.errors import UserError
from catdog_exp.images.content_hashes import Content
from catdog_exp.packs.lst_files import Entry
from catdog_exp.packs.split import coarseness, split_listing
from catdog_exp.sources.source import Listing, Picture, Split
from tests.images.drawn import DATA

CAT, DOG = 0, 1

# On a busy machine an example may take any time.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

Lists = Mapping[Split, Sequence[Entry]]


def _split(contents: Mapping[str, str], own: Mapping[str, Split] | None = None, **chosen: Any) -> Lists:
    """The lists of files in cat/ and dog/ with these contents, by path; `own`: the sides that their source gives."""
    pictures = [
        Picture(path, DOG if path.startswith("dog") else CAT, (own or {}).get(path)) for path in sorted(contents)
    ]
    found = {path: Content(len(text), 0, 0, 0, sha256(text.encode()).hexdigest()) for path, text in contents.items()}
    return split_listing(Listing(Path("pictures"), ["cat", "dog"], pictures), found, replace(DATA, **chosen))


def _different(cats: int, dogs: int) -> dict[str, str]:
    """So many files, no two of them alike."""
    counts = {"cat": cats, "dog": dogs}
    return {f"{name}/{n}.jpg": f"{name} {n}" for name, count in counts.items() for n in range(count)}


def _of_class(entries: Sequence[Entry], label: int) -> int:
    return sum(entry.label == label for entry in entries)


def _sides(lists: Lists) -> dict[str, Split]:
    return {entry.path: split for split, entries in lists.items() for entry in entries}


counts = st.integers(2, 60)
ratios = st.floats(0.01, 0.99)
test_ratios = st.just(0.0) | ratios
seeds = st.integers(0, 5)
# Contents by path, of which some are the same.
folders = st.dictionaries(
    st.builds("{}/{}.jpg".format, st.sampled_from(["cat", "dog"]), st.integers(0, 99)),
    st.integers(0, 80).map(str),
    max_size=80,
)


@pytest.mark.parametrize("seed", range(3))
def test_95_percent_of_3000_are_2850(seed: int):
    lists = _split(_different(1500, 1500), split_ratio=0.95, seed=seed)
    assert [_of_class(lists["train"], label) for label in (CAT, DOG)] == [1425, 1425]
    assert [_of_class(lists["validation"], label) for label in (CAT, DOG)] == [75, 75]


def test_a_tenth_to_test_on_leaves_the_ratio_to_the_others():
    lists = _split(_different(1500, 1500), test_ratio=0.1, split_ratio=0.95)
    assert {split: len(entries) for split, entries in lists.items()} == {"train": 2564, "validation": 136, "test": 300}


@given(st.integers(3, 60), ratios, ratios, seeds)
def test_three_sides_share_a_class_and_none_is_empty(cats: int, ratio: float, test_ratio: float, seed: int):
    lists = _split(_different(cats, 0), split_ratio=ratio, test_ratio=test_ratio, seed=seed)
    tested = max(1, min(cats - 2, round(cats * test_ratio)))
    assert len(lists["test"]) == tested
    assert len(lists["train"]) == max(1, min(cats - tested - 1, round((cats - tested) * ratio)))
    assert len(lists["train"]) + len(lists["validation"]) + tested == cats


@pytest.mark.parametrize(("cats", "sides"), [(0, ""), (1, "train"), (2, "train validation")])
def test_of_too_few_for_three_sides_the_training_comes_first(cats: int, sides: str):
    lists = _split(_different(cats, 9), test_ratio=0.5)
    assert " ".join(split for split in lists if _of_class(lists[split], CAT)) == sides


@given(counts, ratios, ratios, seeds)
def test_a_test_side_brings_no_picture_to_validation(cats: int, ratio: float, test_ratio: float, seed: int):
    before, then = (
        {entry.path for entry in _split(_different(cats, 0), split_ratio=ratio, seed=seed, **more)["validation"]}
        for more in ({}, {"test_ratio": test_ratio})
    )
    assert then <= before


@given(counts, counts, ratios, seeds)
def test_each_class_is_split_in_the_ratio_with_one_on_each_side_at_least(cats: int, dogs: int, ratio: float, seed: int):
    lists = _split(_different(cats, dogs), split_ratio=ratio, seed=seed)
    for label, count in ((CAT, cats), (DOG, dogs)):
        trained = max(1, min(count - 1, round(count * ratio)))
        assert _of_class(lists["train"], label) == trained
        assert _of_class(lists["validation"], label) == count - trained


@given(folders, ratios, test_ratios, seeds)
def test_every_picture_is_on_one_side_once_and_sides_are_numbered_from_zero(
    contents: dict[str, str], ratio: float, test_ratio: float, seed: int
):
    lists = _split(contents, split_ratio=ratio, test_ratio=test_ratio, seed=seed)
    assert sorted(entry.path for entries in lists.values() for entry in entries) == sorted(contents)
    for entries in lists.values():
        assert [entry.index for entry in entries] == list(range(len(entries)))


@given(folders, ratios, test_ratios, seeds)
def test_no_content_of_a_class_is_on_two_sides(contents: dict[str, str], ratio: float, test_ratio: float, seed: int):
    sides = _sides(_split(contents, split_ratio=ratio, test_ratio=test_ratio, seed=seed))
    of_content = {(path[:3], contents[path], side) for path, side in sides.items()}
    assert max(Counter((name, content) for name, content, _ in of_content).values(), default=1) == 1


@given(folders, folders, ratios, seeds)
def test_as_many_pictures_move_as_are_added_or_removed_at_most(
    before: dict[str, str], new: dict[str, str], ratio: float, seed: int
):
    assert len(_moved(before, new, split_ratio=ratio, seed=seed)) <= _contents(new)


@given(folders, folders, ratios, ratios, seeds)
def test_with_a_test_side_at_most_as_many_leave_training_and_as_many_come_to_it(
    before: dict[str, str], new: dict[str, str], ratio: float, test_ratio: float, seed: int
):
    moved = _moved(before, new, split_ratio=ratio, test_ratio=test_ratio, seed=seed)
    assert sum(side == "train" for side, _ in moved) <= _contents(new)
    assert sum(side == "train" for _, side in moved) <= _contents(new)
    assert len(moved) <= 2 * _contents(new)


@given(st.data(), st.integers(1, 5), st.just(0.0) | st.floats(0.01, 0.4), seeds)
def test_with_folds_as_many_pictures_cross_each_cut_as_are_added_at_most(
    data: st.DataObject, added: int, test_ratio: float, seed: int
):
    folds = data.draw(st.integers(2, 6), "folds")
    fold = data.draw(st.integers(0, folds - 1), "fold")
    before = _different(data.draw(st.integers(12, 40), "cats"), 0)
    new = {f"cat/{number}.jpg": f"new {number}" for number in range(added)}
    moved = _moved(before, new, folds=folds, fold=fold, test_ratio=test_ratio, seed=seed)
    assert len(moved) <= (3 if test_ratio else 2) * added


def _moved(before: dict[str, str], new: dict[str, str], **chosen: Any) -> list[tuple[Split, Split]]:
    """The sides before and after of each content that moves when the files `new` are added to those of `before`."""
    added = {f"{path[:3]}/new/{path}": content for path, content in new.items()}
    first, then = (_sides(_split(files, **chosen)) for files in (before, before | added))
    moved = {(path[:3], before[path]): (side, then[path]) for path, side in first.items() if then[path] != side}
    return list(moved.values())


def _contents(files: dict[str, str]) -> int:
    return len({(path[:3], content) for path, content in files.items()})


def test_one_picture_more_of_each_class_of_200_brings_no_two_trained_ones_to_validation():
    before = _sides(_split(_different(200, 200)))
    then = _sides(_split(_different(200, 200) | {"cat/+.jpg": "cat +", "dog/+.jpg": "dog +"}))
    assert sum(before.get(path) == "train" for path, side in then.items() if side == "validation") <= 2


@given(folders, ratios, seeds, st.randoms(use_true_random=False))
def test_other_names_change_nothing_but_the_paths(contents: dict[str, str], ratio: float, seed: int, draw: Any):
    names = list(range(len(contents)))
    draw.shuffle(names)
    renamed = {f"{path[:3]}s/{name}.png": contents[path] for path, name in zip(contents, names, strict=True)}

    def lines(files: dict[str, str]) -> dict[Split, list[tuple[int, int, str]]]:
        lists = _split(files, split_ratio=ratio, seed=seed)
        return {
            split: [(entry.index, entry.label, files[entry.path]) for entry in entries]
            for split, entries in lists.items()
        }

    def of_one_class(files: dict[str, str]) -> dict[str, str]:
        # Of two classes with the same picture the order is by their paths; packing takes neither.
        both = {files[path] for path in files if path[0] == "c"} & {files[path] for path in files if path[0] == "d"}
        return {path: content for path, content in files.items() if content not in both}

    assert lines(of_one_class(renamed)) == lines(of_one_class(contents))


def test_files_that_cannot_be_told_apart_by_what_is_in_them_go_by_their_paths():
    sides = _sides(_split({f"cat/{number}.jpg": "" for number in range(40)} | {"dog/1.jpg": "1", "dog/2.jpg": "2"}))
    assert Counter(sides.values()) == {"train": 33, "validation": 9}


def test_a_single_picture_is_trained_on():
    assert _of_class(_split(_different(1, 4))["train"], CAT) == 1


def test_the_seed_decides_the_split_and_the_order():
    first, again, second = (_split(_different(40, 40), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert {entry.path for entry in first["train"]} != {entry.path for entry in second["train"]}
    cats = [entry.path for entry in first["train"] if entry.label == CAT]
    both = {entry.path for entry in second["train"]}.intersection(cats)
    assert [path for path in cats if path in both] != [entry.path for entry in second["train"] if entry.path in both]


def test_classes_are_mixed_in_the_order():
    labels = [entry.label for entry in _split(_different(50, 50))["train"]]
    assert 10 < sum(labels[:40]) < 30


def test_more_dogs_do_not_move_cats_to_the_other_side():
    few, many = (_sides(_split(_different(40, dogs))) for dogs in (10, 30))
    assert {path: few[path] for path in few if path[0] == "c"} == {path: many[path] for path in many if path[0] == "c"}


def test_a_picture_stays_on_the_side_that_its_source_puts_it_on():
    own: dict[str, Split] = {f"cat/{number}.jpg": "train" if number < 5 else "validation" for number in range(15)}
    assert _sides(_split(_different(15, 0), own, split_ratio=0.95)) == own


@given(st.integers(2, 12), st.integers(24, 60), st.just(0.0) | st.floats(0.01, 0.4), seeds)
def test_folds_are_disjoint_and_complete_and_nearly_equal(folds: int, cats: int, test_ratio: float, seed: int):
    contents = _different(cats, cats + 3)
    chosen: dict[str, Any] = {"folds": folds, "test_ratio": test_ratio, "seed": seed}
    cuts = [_split(contents, fold=fold, **chosen) for fold in range(folds)]
    tested = {entry.path for entry in cuts[0]["test"]}
    validated = Counter(entry.path for lists in cuts for entry in lists["validation"])
    assert validated == dict.fromkeys(contents.keys() - tested, 1)
    for lists in cuts:
        assert {entry.path for entry in lists["test"]} == tested
        assert sorted(_sides(lists)) == sorted(contents)
    for label in (CAT, DOG):
        sizes = [_of_class(lists["validation"], label) for lists in cuts]
        assert min(sizes) >= 1
        assert max(sizes) - min(sizes) <= 1


def test_folds_do_not_depend_on_the_ratio():
    assert _split(_different(9, 9), folds=3, split_ratio=0.5) == _split(_different(9, 9), folds=3, split_ratio=0.9)


def test_a_class_with_fewer_pictures_than_folds_is_named():
    with pytest.raises(UserError, match=r"data\.folds=5: class dog has 4 different pictures, too few for so many"):
        _split(_different(9, 4), folds=5)


def test_folds_are_not_cut_where_the_source_has_a_validation_side_but_beside_a_test_side():
    with pytest.raises(UserError, match=r"data\.folds=2: pictures has a split of its own"):
        _split(_different(9, 9), {"cat/1.jpg": "validation"}, folds=2)
    lists = _split(_different(9, 9), {"cat/1.jpg": "test"}, folds=2)
    assert [len(entries) for entries in lists.values()] == [9, 8, 1]


def test_validation_is_cut_from_what_a_source_does_not_test_on():
    own: dict[str, Split] = {f"cat/{number}.jpg": "test" for number in range(5)}
    lists = _split(_different(25, 0), own, split_ratio=0.8)
    assert {path for path, side in _sides(lists).items() if side == "test"} == own.keys()
    assert (len(lists["train"]), len(lists["validation"])) == (16, 4)


@pytest.mark.parametrize("side", ["train", "validation", "test"])
def test_a_test_side_is_not_cut_from_a_split_of_the_sources_own(side: Split):
    with pytest.raises(UserError, match=r"data\.test_ratio=0\.1: pictures has a split of its own"):
        _split(_different(5, 5), {"cat/1.jpg": side}, test_ratio=0.1)


@pytest.mark.parametrize(("pictures", "step"), [("1 picture", "100"), ("6 pictures", "17"), ("49 pictures", "2")])
def test_of_few_pictures_it_is_said_in_which_steps_accuracy_can_come(pictures: str, step: str):
    assert coarseness(int(pictures.split()[0])) == f"{pictures}: accuracy can only be a multiple of {step} %"


@pytest.mark.parametrize("pictures", [0, 50, 1000])
def test_of_none_and_of_many_nothing_is_said(pictures: int):
    assert coarseness(pictures) == ""


def test_all_pictures_can_be_there_to_test_on():
    contents = _different(3, 2)
    own: dict[str, Split] = {"cat/0.jpg": "train", "dog/1.jpg": "validation"}
    for lists in (_split(contents, test_ratio=1.0), _split(contents, own, test_ratio=1.0)):
        assert _sides(lists) == dict.fromkeys(contents, "test")
