"""Packs damaged, cut off, asked for by several at once: they are whole in the end."""

import errno
import logging
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.recordio import RecordWriter
from catdog_exp.packs.store import find_pack, open_pack
from catdog_exp.sources.source import Listing
from tests.images.drawn import DATA, bytes_of, draw_pictures, visible


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    return draw_pictures(tmp_path / "pictures")


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "packs"


@pytest.mark.parametrize("name", ["train_file.rec", "validation_file.idx", "manifest.json"])
def test_a_pack_that_lost_a_file_is_made_again(
    listing: Listing, packs: Path, name: str, caplog: pytest.LogCaptureFixture
):
    pack = open_pack(plan_pack(listing, DATA, packs))
    before = bytes_of(pack)
    (pack.folder / name).unlink()
    with pytest.raises(UserError, match="there is no whole pack"):
        find_pack(plan_pack(listing, DATA, packs))
    assert [name in line and "is damaged: " in line for line in caplog.messages] == [True]
    with caplog.at_level(logging.INFO):
        again = open_pack(plan_pack(listing, DATA, packs))
    assert not again.reused
    assert bytes_of(again) == before
    assert f"pack {pack.folder} is made anew" in caplog.messages


def _flip(file: Path, position: int) -> None:
    """Change one bit, and put the file's time back."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("name", ["train_file.rec", "validation_file.lst", "rejected.csv", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "flip first", "flip middle", "flip last"])
def test_a_damaged_pack_is_made_again(
    listing: Listing, packs: Path, name: str, damage: str, caplog: pytest.LogCaptureFixture
):
    pack = open_pack(plan_pack(listing, DATA, packs))
    before = bytes_of(pack)
    file = pack.folder / name
    size = file.stat().st_size
    if damage == "cut":
        os.truncate(file, size - 5)
    else:
        _flip(file, {"flip first": 0, "flip middle": size // 2, "flip last": size - 2}[damage])
    again = open_pack(plan_pack(listing, DATA, packs))
    assert not again.reused
    assert bytes_of(again) == before
    assert visible(packs) == [pack.fingerprint]
    (warning,) = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    assert warning.startswith(f"pack {pack.folder} is damaged: {name} ")
    assert open_pack(plan_pack(listing, DATA, packs)).reused


def test_a_full_disk_is_one_line_and_nothing_is_left(listing: Listing, packs: Path, monkeypatch: pytest.MonkeyPatch):
    # A disk cannot be filled in a test; the error is the one that the system gives then.
    def write(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(RecordWriter, "write", write)
        with pytest.raises(UserError, match=r"packs cannot be written to .*packs \(No space left on device\)"):
            open_pack(plan_pack(listing, DATA, packs))
    assert visible(packs) == []
    assert not open_pack(plan_pack(listing, DATA, packs)).reused


def test_a_folder_that_cannot_be_written_to_is_one_line(listing: Listing, tmp_path: Path):
    (tmp_path / "outputs").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"packs cannot be written to .*outputs/packs \(Not a directory\)"):
        open_pack(plan_pack(listing, DATA, tmp_path / "outputs" / "packs"))


def _open_in_process(listing: Listing, data: DataConfig, packs: Path, results: "multiprocessing.Queue[bool]") -> None:
    results.put(open_pack(plan_pack(listing, data, packs)).reused)


@pytest.mark.parametrize("there", ["nothing", "a damaged pack", "a pack to be made anew"])
def test_of_several_processes_one_makes_the_pack(tmp_path: Path, packs: Path, there: str):
    listing = draw_pictures(tmp_path / "pictures", per_class=150)
    data = DATA
    if there != "nothing":
        pack = open_pack(plan_pack(listing, DATA, packs))
        if there == "a damaged pack":
            _flip(pack.records("train")[0], 1000)
        else:
            data = replace(DATA, repack=True)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_open_in_process, args=(listing, data, packs, results)) for _ in range(3)]
    for process in processes:
        process.start()
    reused = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    if there == "a pack to be made anew":
        # Who comes when it has just been made does not know that, and makes it once more.
        assert not reused[0]
    else:
        assert reused == [False, True, True]
    assert len(visible(packs)) == 1


def test_after_a_kill_the_pack_is_made_and_what_was_left_is_gone(tmp_path: Path, packs: Path):
    listing = draw_pictures(tmp_path / "pictures", per_class=300)
    context = multiprocessing.get_context("spawn")
    slow = replace(DATA, resize=256)
    process = context.Process(target=open_pack, args=(plan_pack(listing, slow, packs),))
    process.start()
    deadline = time.monotonic() + 60
    while not list(packs.glob("*.making")) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    (making,) = packs.glob("*.making")
    other = packs / "0123456789abcdef.making"
    other.mkdir()
    pack = open_pack(plan_pack(listing, slow, packs))
    assert not pack.reused
    assert making.name == f"{pack.fingerprint}.making"
    assert visible(packs) == [pack.fingerprint]


def test_leftovers_go_even_when_nothing_is_made(listing: Listing, packs: Path):
    pack = open_pack(plan_pack(listing, DATA, packs))
    (packs / f"{pack.fingerprint}.old").mkdir()
    (packs / f".{pack.fingerprint}.owner").touch()
    assert open_pack(plan_pack(listing, DATA, packs)).reused
    assert visible(packs) == [pack.fingerprint]
