import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from catdog_exp.data.decoded import decode_records
from catdog_exp.mx import mx
from catdog_exp.packs.lst_files import Entry, read_list
from catdog_exp.packs.plan import look_at, plan_pack
from catdog_exp.packs.shards import Shard, cut_into_shards, pack_shards
from catdog_exp.packs.store import Pack, open_pack
from catdog_exp.packs.verify import damage_in
from catdog_exp.sources.source import SPLITS, Listing
from tests.images.drawn import DATA, draw_pictures
from tests.screen import screen

THREE_SIDES = replace(DATA, test_ratio=0.2)
SHARDED = replace(THREE_SIDES, shards=3)


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Listing:
    return draw_pictures(tmp_path_factory.mktemp("drawn") / "pictures", per_class=40)


@pytest.fixture(scope="module")
def whole(listing: Listing) -> Pack:
    """52 + 12 + 16 pictures in one file for each side."""
    return open_pack(plan_pack(listing, THREE_SIDES, listing.root.parent / "packs"))


@pytest.fixture(scope="module")
def sharded(listing: Listing) -> Pack:
    """The same in three files for each side."""
    return open_pack(plan_pack(listing, SHARDED, listing.root.parent / "packs"))


def test_a_list_is_cut_into_runs_of_nearly_one_length():
    entries = [Entry(index, 0, f"{index}.jpg") for index in range(23)]
    for count in (1, 2, 7, 22, 23):
        shards = cut_into_shards({"train": entries, "validation": entries[:1]}, count)
        train = [shard.entries for shard in shards if shard.split == "train"]
        assert [entry for run in train for entry in run] == entries
        lengths = {len(run) for run in train}
        assert len(train) == count
        assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(("count", "first"), [(1, "train_file"), (4, "train_file_0"), (16, "train_file_00")])
def test_names_have_as_many_digits_as_the_count(count: int, first: str):
    entries = [Entry(index, 0, f"{index}.jpg") for index in range(20)]
    shards = cut_into_shards({"train": entries, "validation": entries[:3]}, count)
    assert shards[0].name == first
    assert [shard.name for shard in shards] == sorted(shard.name for shard in shards)


def test_the_manifest_lists_the_files_of_each_side(sharded: Pack):
    manifest = json.loads((sharded.folder / "manifest.json").read_text())
    assert manifest["records"] == {split: [f"{split}_file_{number}.rec" for number in range(3)] for split in SPLITS}
    assert sharded.records("train") == [sharded.folder / f"train_file_{number}.rec" for number in range(3)]
    assert [len(read_list(rec.with_suffix(".lst"))) for rec in sharded.records("train")] == [17, 17, 18]


def test_shards_hold_what_one_file_holds(whole: Pack, sharded: Pack):
    assert sharded.fingerprint != whole.fingerprint
    for split in SPLITS:
        (lines,) = (rec.with_suffix(".lst").read_bytes() for rec in whole.records(split))
        assert b"".join(rec.with_suffix(".lst").read_bytes() for rec in sharded.records(split)) == lines
        one, several = (decode_records(pack.records(split), 16, threads=2) for pack in (whole, sharded))
        for part in ("pixels", "offsets", "heights", "widths", "labels", "ids"):
            assert (getattr(one, part) == getattr(several, part)).all()


def _pictures(**parameters: object) -> list[bytes]:
    """What MXNet decodes, sorted; no two pictures are alike."""
    batches = mx.io.ImageRecordIter(data_shape=(3, 16, 16), batch_size=1, round_batch=False, **parameters)
    return sorted(batch.data[0].asnumpy().tobytes() for batch in batches)


@pytest.fixture(scope="module")
def pictures(whole: Pack) -> list[bytes]:
    (rec,) = whole.records("train")
    pictures = _pictures(path_imgrec=str(rec))
    assert len(set(pictures)) == 52
    return pictures


def test_mxnet_reads_each_shard_and_parts_of_it(sharded: Pack, pictures: list[bytes]):
    read = []
    for rec in sharded.records("train"):
        of_shard = _pictures(path_imgrec=str(rec))
        assert len(of_shard) == len(read_list(rec.with_suffix(".lst")))
        parts = [_pictures(path_imgrec=str(rec), part_index=part, num_parts=2) for part in range(2)]
        assert all(parts)
        assert sorted(parts[0] + parts[1]) == of_shard
        read += of_shard
    assert sorted(read) == pictures


def test_mxnet_reads_all_shards_at_once_and_parts_of_them(sharded: Pack, pictures: list[bytes]):
    joined = ";".join(map(str, sharded.records("train")))
    assert _pictures(path_imgrec=joined) == pictures
    parts = [_pictures(path_imgrec=joined, part_index=part, num_parts=4) for part in range(4)]
    assert all(parts)
    assert sorted(picture for part in parts for picture in part) == pictures


def test_a_damaged_shard_is_named_and_the_pack_made_again(listing: Listing, tmp_path: Path, caplog):
    pack = open_pack(plan_pack(listing, SHARDED, tmp_path))
    assert damage_in(pack.folder, threads=2) == []
    rec = pack.records("train")[1]
    before = rec.read_bytes()
    os.truncate(rec, len(before) // 2)
    found = damage_in(pack.folder, threads=2)
    assert found[0].startswith("train_file_1.rec has ")
    assert all(line.startswith("train_file_1.rec") for line in found)
    assert not open_pack(plan_pack(listing, SHARDED, tmp_path)).reused
    assert "is damaged: train_file_1.rec" in caplog.text
    assert rec.read_bytes() == before
    assert open_pack(plan_pack(listing, SHARDED, tmp_path)).reused


def test_a_shard_without_a_usable_picture_is_left_out(tmp_path: Path):
    listing = draw_pictures(tmp_path / "pictures")
    one_each = replace(THREE_SIDES, shards=4096)
    (listing.root / "cat/003.jpg").write_bytes(b"no picture")
    plan = plan_pack(listing, one_each, tmp_path / "packs")
    (split, place), *_ = (
        (split, entry.index) for split in plan.sides for entry in plan.lists[split] if entry.path == "cat/003.jpg"
    )
    pack = open_pack(plan)
    assert pack.rejected == 1
    missing = f"{split}_file_{place:04d}"
    expected = {
        each: [f"{each}_file_{number:04d}.rec" for number in range(len(plan.lists[each]))] for each in plan.sides
    }
    expected[split].remove(f"{missing}.rec")
    assert pack.record_files == expected
    assert not list(pack.folder.glob(f"{missing}*"))
    assert damage_in(pack.folder, threads=2) == []
    assert [len(decode_records(pack.records(each), 16, threads=2)) for each in plan.sides] == [
        len(expected[each]) for each in plan.sides
    ]


def _pack_one(listing: Listing, folder: Path) -> None:
    entries = [Entry(index, picture.label, picture.path) for index, picture in enumerate(listing.pictures)]
    found = look_at(listing, folder, 2)
    shards = [Shard("train", "train_file", entries)]
    pack_shards(shards, listing.root, folder, found, replace(DATA, resize=16, quality=90, threads=2))


def test_a_terminal_shows_the_progress_and_nothing_goes_to_standard_output(
    listing: Listing, tmp_path: Path, terminal, capsys
):
    shown = terminal()
    _pack_one(listing, tmp_path)
    bar = screen(shown.getvalue())[-2]
    assert bar.startswith("packing")
    assert "100% 80/80" in bar
    assert "pictures/s" in bar
    assert capsys.readouterr().out == ""


def test_elsewhere_no_progress_is_shown(listing: Listing, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    _pack_one(listing, tmp_path)
    assert capfd.readouterr() == ("", "")
