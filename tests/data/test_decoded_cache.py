"""A pack's pictures decoded once, whole or not at all, and shared."""

import errno
import fcntl
import json
import logging
import multiprocessing
import os
import shutil
import time
from dataclasses import replace
from multiprocessing.pool import Pool
from pathlib import Path

import numpy as np
import pytest

from catdog_exp.data import kept_folder as shared
from catdog_exp.data.decoded import DecodedPictures, decode_records
from catdog_exp.data.decoded_cache import decoded_side
from catdog_exp.errors import UserError
from catdog_exp.packs.inventory import packs_in, remove_pack
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.store import Pack, open_pack
from catdog_exp.packs.verify import damage_in
from tests.packs.test_store import DATA, draw_pictures

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return open_pack(plan_pack(draw_pictures(tmp_path / "pictures"), DATA, tmp_path / "packs"))


def open_side(pack: Pack) -> DecodedPictures:
    return decoded_side(pack, "train", 16, threads=2)


def assert_whole(pack: Pack, pictures: DecodedPictures) -> None:
    wanted = decode_records(pack.records("train"), 16, threads=2)
    for name in ("size", "pixels", "offsets", "heights", "widths", "labels", "ids"):
        found, expected = getattr(pictures, name), getattr(wanted, name)
        assert np.array_equal(found, expected), name
        assert np.asarray(found).dtype == np.asarray(expected).dtype, name


def test_the_pictures_are_those_of_the_records_mapped_from_a_file(pack: Pack):
    pictures = open_side(pack)
    assert_whole(pack, pictures)
    assert isinstance(pictures.pixels, np.memmap)
    assert not pictures.pixels.flags.writeable
    assert sorted(path.name for path in (pack.folder / "decoded").iterdir()) == ["train"]


def test_a_test_side_is_decoded_as_the_others(tmp_path: Path):
    listing = draw_pictures(tmp_path / "pictures")
    pack = open_pack(plan_pack(listing, replace(DATA, test_ratio=0.2), tmp_path / "packs"))
    pictures = decoded_side(pack, "test", 16, threads=2)
    assert sorted(pictures.labels) == [0] * 4 + [1] * 4
    assert isinstance(pictures.pixels, np.memmap)


def test_they_are_decoded_once(pack: Pack, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        open_side(pack)
        files = sorted((pack.folder / "decoded" / "train").iterdir())
        before = [file.stat().st_mtime_ns for file in files]
        assert_whole(pack, open_side(pack))
    assert [file.stat().st_mtime_ns for file in files] == before
    assert len([line for line in caplog.messages if line.startswith("decoded 32 pictures into ")]) == 1


@pytest.mark.parametrize("name", ["pixels.bin", "index.npy", "digests.json"])
@pytest.mark.parametrize("how", ["cut", "changed", "gone"])
def test_what_is_damaged_is_made_again_and_said(pack: Pack, caplog: pytest.LogCaptureFixture, name: str, how: str):
    open_side(pack)
    file = pack.folder / "decoded" / "train" / name
    if how == "cut":
        os.truncate(file, file.stat().st_size - 1)
    elif how == "changed":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        file.unlink()
    assert_whole(pack, open_side(pack))
    (warning,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert f"{file.parent} cannot be used and are made again: " in warning.getMessage()
    assert_whole(pack, open_side(pack))
    assert len(caplog.records) == 1


def test_those_of_another_version_are_made_again_and_not_called_damaged(pack: Pack, caplog: pytest.LogCaptureFixture):
    open_side(pack)
    digests = pack.folder / "decoded" / "train" / "digests.json"
    digests.write_text(json.dumps({**json.loads(digests.read_text()), "format": 1}))
    assert_whole(pack, open_side(pack))
    (warning,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert "of another version of this program" in warning.getMessage()
    assert "damaged" not in warning.getMessage()


def test_a_pack_is_verified_and_found_as_before(pack: Pack):
    alone = packs_in(pack.folder.parent)[0].bytes
    pictures = open_side(pack)
    assert damage_in(pack.folder, threads=2) == []
    assert packs_in(pack.folder.parent)[0].bytes > alone + len(pictures.pixels)


def test_they_go_with_their_pack(pack: Pack):
    pictures = open_side(pack)
    first = pictures.picture(0).copy()
    assert remove_pack(packs_in(pack.folder.parent)[0])
    assert not pack.folder.exists()
    assert np.array_equal(pictures.picture(0), first)  # who uses them keeps them


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(pack: Pack, caplog: pytest.LogCaptureFixture):
    (pack.folder / "decoded").touch()
    pictures = open_side(pack)
    assert_whole(pack, pictures)
    (line,) = caplog.messages
    assert "cannot be kept in" in line


def test_a_full_disk_leaves_nothing_half_made(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(_folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shared, "write_through", full)
    assert_whole(pack, open_side(pack))
    assert list((pack.folder / "decoded").iterdir()) == []
    assert "(No space left on device)" in caplog.messages[0]


def test_a_record_that_cannot_be_used_is_told_and_nothing_is_kept(pack: Pack):
    (rec,) = pack.records("train")
    os.truncate(rec, rec.stat().st_size - 10)
    with pytest.raises(UserError, match="ends in the middle of a record"):
        open_side(pack)
    assert list((pack.folder / "decoded").iterdir()) == []


def _decode_in_turn(pack: Pack) -> str:
    made: list[str] = []

    class Messages(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            made.append(record.getMessage())

    logging.getLogger("catdog_exp").addHandler(Messages())
    logging.getLogger("catdog_exp").setLevel(logging.INFO)
    assert_whole(pack, open_side(pack))
    return "".join(made)


def test_of_several_processes_one_decodes_and_the_others_wait(pack: Pack):
    pool: Pool
    with SPAWN.Pool(3) as pool:
        told = pool.map(_decode_in_turn, [pack] * 3, chunksize=1)
    assert sum("decoded 32 pictures into" in lines for lines in told) == 1


def _decode_slowly(pack: Pack) -> None:
    write_through = shared.write_through

    def slow(folder: Path) -> None:
        write_through(folder)
        time.sleep(60)

    shared.write_through = slow
    open_side(pack)


def test_who_is_killed_leaves_nothing_that_is_used(pack: Pack):
    process = SPAWN.Process(target=_decode_slowly, args=(pack,))
    process.start()
    making = pack.folder / "decoded" / "train.making"
    deadline = time.monotonic() + 60
    while not (making / "digests.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not remove_pack(packs_in(pack.folder.parent)[0])  # a process is at work on it
    process.kill()
    process.join()
    assert not (pack.folder / "decoded" / "train").exists()
    assert_whole(pack, open_side(pack))
    assert sorted(path.name for path in (pack.folder / "decoded").iterdir()) == ["train"]


def test_a_pack_that_is_made_again_has_no_decoded_pictures_of_before(pack: Pack, tmp_path: Path):
    open_side(pack)
    os.truncate(pack.records("validation")[0], 100)
    listing_root = tmp_path / "pictures"
    shutil.rmtree(listing_root)
    again = open_pack(plan_pack(draw_pictures(listing_root), DATA, tmp_path / "packs"))
    assert again.folder == pack.folder
    assert not (again.folder / "decoded").exists()


def test_who_only_reads_does_not_wait_for_the_lock(pack: Pack):
    open_side(pack)
    with (pack.folder.parent / f".{pack.folder.name}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert_whole(pack, open_side(pack))
