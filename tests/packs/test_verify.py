import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from catdog_exp.packs.manifest import file_digest, read_manifest, write_manifest
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.recordio import frame, pack_record, read_index, read_records
from catdog_exp.packs.store import open_pack
from catdog_exp.packs.verify import damage_in
from tests.images.drawn import DATA, draw_pictures


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verification")
    return open_pack(plan_pack(draw_pictures(folder / "pictures"), DATA, folder / "packs")).folder


@pytest.fixture
def pack(made: Path, tmp_path: Path) -> Path:
    """A pack of one's own, to be damaged."""
    return shutil.copytree(made, tmp_path / made.name)


def _write(rec: Path, payloads: list[bytes]) -> None:
    """Write a record file and its index, whatever the manifest says."""
    content, lines = b"", ""
    for number, payload in enumerate(payloads):
        lines += f"{number}\t{len(content)}\n"
        content += frame(payload)
    rec.write_bytes(content)
    rec.with_suffix(".idx").write_text(lines)


def _sign(pack: Path) -> None:
    """Make the manifest fit the files as they are now: what is left to be found is what they hold."""
    manifest = read_manifest(pack)
    write_manifest(pack, replace(manifest, files={name: file_digest(pack / name) for name in manifest.files}))


def _payloads(pack: Path) -> list[bytes]:
    return list(read_records(pack / "train_file.rec"))


def _jpeg(edge: int) -> bytes:
    return cv2.imencode(".jpg", np.zeros((edge, edge, 3), np.uint8))[1].tobytes()


def test_a_pack_as_it_was_made_is_whole(pack: Path):
    assert damage_in(pack, threads=3) == []


def test_one_flipped_bit_in_a_picture_names_the_file(pack: Path):
    rec = pack / "train_file.rec"
    content = bytearray(rec.read_bytes())
    content[len(content) // 2] ^= 1
    rec.write_bytes(content)
    assert "train_file.rec has other bytes than when it was made" in damage_in(pack, threads=3)


def test_the_records_that_are_damaged_are_named_and_no_others(pack: Path):
    rec = pack / "train_file.rec"
    positions = list(read_index(rec.with_suffix(".idx")).values())
    content = bytearray(rec.read_bytes())
    content[positions[3]] ^= 1  # where record 3 starts
    content[positions[7] + 32 : positions[8]] = bytes(positions[8] - positions[7] - 32)  # all of picture 7
    rec.write_bytes(content)
    found = damage_in(pack, threads=3)
    assert found[0] == "train_file.rec has other bytes than when it was made"
    assert [line.split(" (")[0] for line in found[1:]] == ["train_file.rec: record 3", "train_file.rec: record 7"]
    assert found[1].endswith(") is not where the index has it, or not whole")
    assert "cannot be used: " in found[2]


def test_a_file_cut_short_names_the_records_that_are_lost(pack: Path):
    rec = pack / "train_file.rec"
    positions = list(read_index(rec.with_suffix(".idx")).values())
    os.truncate(rec, positions[30] + 20)
    found = damage_in(pack, threads=3)
    assert f"train_file.rec has {positions[30] + 20:,} bytes instead of " in found[0]
    assert [line.split(" (")[0] for line in found[1:]] == ["train_file.rec: record 30", "train_file.rec: record 31"]


@pytest.mark.parametrize("name", ["train_file.rec", "validation_file.lst", "train_file.idx", "rejected.csv"])
def test_a_missing_file_is_named_once(pack: Path, name: str):
    (pack / name).unlink()
    assert damage_in(pack, threads=3) == [f"{name} is missing"]


def test_no_manifest_is_all_that_can_be_said(pack: Path):
    (pack / "manifest.json").unlink()
    assert damage_in(pack, threads=3) == ["manifest.json is missing"]


def test_a_pack_under_another_name_is_found(pack: Path):
    renamed = pack.rename(pack.with_name("0123456789abcdef"))
    assert damage_in(renamed, threads=3) == [f"it is the pack {pack.name}, renamed"]


def test_records_that_are_not_those_of_the_list_are_named(pack: Path):
    payloads = _payloads(pack)
    image = payloads[0][24:]
    payloads[2] = pack_record(5, 2, image)
    payloads[4] = pack_record(0, 99, image)
    payloads[6] = b"short"
    payloads[8] = payloads[8][:24] + _jpeg(17)
    _write(pack / "train_file.rec", payloads)
    _sign(pack)
    found = damage_in(pack, threads=3)
    assert [line.split(" (")[0] for line in found] == [f"train_file.rec: record {number}" for number in (2, 4, 6, 8)]
    assert found[0].endswith("has the number 2 and the labels (5.0,), unlike its list")
    assert "has the number 99" in found[1]
    assert "too few for the header" in found[2]
    assert found[3].endswith("has a short edge of 17 pixels instead of 16")


def test_more_records_than_listed_are_found(pack: Path):
    rec = pack / "train_file.rec"
    rec.write_bytes(rec.read_bytes() + frame(_payloads(pack)[0]))
    _sign(pack)
    assert damage_in(pack, threads=3) == ["train_file.rec has more in it than the records of its list"]


def test_a_record_that_no_index_names_is_found(pack: Path):
    payloads = _payloads(pack)
    _write(pack / "train_file.rec", [payloads[0], payloads[1], payloads[1], *payloads[2:]])
    idx = pack / "train_file.idx"
    positions = list(read_index(idx).values())
    del positions[2]
    idx.write_text("".join(f"{number}\t{position}\n" for number, position in enumerate(positions)))
    _sign(pack)
    (line,) = damage_in(pack, threads=3)
    assert line.startswith("train_file.rec: record 2 (")
    assert line.endswith(") does not follow the one before")


def test_a_list_that_the_index_does_not_know_is_found(pack: Path):
    file = pack / "validation_file.lst"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))
    _sign(pack)
    found = damage_in(pack, threads=3)
    assert "validation_file.idx and validation_file.lst do not name the same records" in found


def test_a_list_that_cannot_be_read_is_named_by_its_line(pack: Path):
    file = pack / "validation_file.lst"
    file.write_text("no list\n")
    _sign(pack)
    (line,) = damage_in(pack, threads=3)
    assert line.startswith("validation_file.lst, line 1: ")


def test_counts_that_are_not_those_of_the_lists_are_found(pack: Path):
    manifest = read_manifest(pack)
    values = json.loads(json.dumps(asdict(manifest)["counts"]))
    values["train"]["cat"] += 1
    write_manifest(pack, replace(manifest, counts=values))
    (line,) = damage_in(pack, threads=3)
    assert line.startswith("the lists of the side train have ")
